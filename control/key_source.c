// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The thread that asks: it sends the questions of the table, so many at a time, with libcurl. Each
// has a deadline from the moment it was asked, sent or not.

#include "key_source.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <curl/curl.h>

#include "key_answer.h"
#include "key_table.h"
#include "log.h"
#include "meter.h"

#define POLL_MS 200
#define PATH "/v1/bootstrapping-info"
#define UNIX_SCHEME "unix:"

// A question that was sent, and the answer as far as it is here.
struct lookup {
	TAILQ_ENTRY(lookup) in_queue;
	struct key_question *question;
	CURL *easy;
	uint64_t sent_ns; // meter_now_ns()
	char *body;
	size_t body_len;
	bool is_body_too_long;
};

struct key_source {
	const struct conf *conf;
	struct meter_times *times; // what answers took
	char url[CONF_TEXT_MAX + sizeof(PATH)];
	struct key_table *table;
	pthread_t thread;
	struct curl_slist *headers;
	CURLM *multi; // the thread's, but for its wake-up
	// The rest belongs to the thread.
	struct gba *gba;
	unsigned sent; // how many are under way
	TAILQ_HEAD(, lookup) under_way;
};

void key_source_ask(struct key_source *ks, const char *btid, struct key_waiter *waiter)
{
	int64_t wait_ms = 2 * (int64_t)ks->conf->key_source.timeout_s * 1000;
	struct key_answer answer = {.verdict = key_table_ask(ks->table, btid, wait_ms, waiter)};

	if (answer.verdict == KEY_KNOWN)
		curl_multi_wakeup(ks->multi);
	else
		waiter->done(waiter->arg, &answer);
}

// --- Questions and answers, in the thread ---------------------------------------------------

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct lookup *lookup = arg;

	n *= size;
	if (lookup->body_len + n > KEY_ANSWER_MAX) {
		lookup->is_body_too_long = true;
		return 0;
	}
	memcpy(lookup->body + lookup->body_len, data, n);
	lookup->body_len += n;
	return n;
}

static void easy_set(struct key_source *ks, struct lookup *lookup, const char *question, size_t len)
{
	const struct conf *conf = ks->conf;
	CURL *easy = lookup->easy;

	curl_easy_setopt(easy, CURLOPT_URL, ks->url);
	if (strncmp(conf->key_source.url, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0)
		curl_easy_setopt(
			easy, CURLOPT_UNIX_SOCKET_PATH, conf->key_source.url + strlen(UNIX_SCHEME));
	if (conf->key_source.ca_file[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, conf->key_source.ca_file);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)conf->key_source.timeout_s * 1000);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, ks->headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)len);
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, question);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, lookup);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, lookup);
}

static void lookup_free(struct key_source *ks, struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	if (lookup->easy != NULL) {
		curl_multi_remove_handle(ks->multi, lookup->easy);
		curl_easy_cleanup(lookup->easy);
	}
	if (lookup->body != NULL)
		explicit_bzero(lookup->body, lookup->body_len);
	free(lookup->body);
	free(lookup);
}

static struct lookup *lookup_send(struct key_source *ks, struct key_question *question)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	char text[KEY_QUESTION_MAX];
	size_t len = key_question_write(question->btid, ks->conf->fqdn, text);

	if (lookup == NULL)
		return NULL;
	lookup->question = question;
	lookup->sent_ns = meter_now_ns();
	lookup->easy = len == 0 ? NULL : curl_easy_init();
	lookup->body = malloc(KEY_ANSWER_MAX);
	if (lookup->easy != NULL && lookup->body != NULL) {
		easy_set(ks, lookup, text, len);
		if (curl_multi_add_handle(ks->multi, lookup->easy) == CURLM_OK)
			return lookup;
	}
	lookup_free(ks, lookup);
	return NULL;
}

static void question_fail(struct key_source *ks, struct key_question *question, const char *why)
{
	const struct key_answer busy = {.verdict = KEY_BUSY};
	char btid[LOG_TEXT_MAX];

	log_warning("key-source", "btid=\"%s\" why=\"%s\"",
		log_text(question->btid, strlen(question->btid), btid), why);
	key_table_answer(ks->table, question, &busy);
}

// Sends what waits, as far as there is room.
static void questions_send(struct key_source *ks)
{
	while (ks->sent < ks->conf->key_source.lookups) {
		struct key_question *question = key_table_take(ks->table);
		struct lookup *lookup;

		if (question == NULL)
			return;
		lookup = lookup_send(ks, question);
		if (lookup == NULL) {
			question_fail(ks, question, "the question cannot be sent");
			continue;
		}
		TAILQ_INSERT_TAIL(&ks->under_way, lookup, in_queue);
		ks->sent++;
	}
}

// why: what is wrong with the answer; NULL: nothing.
static void lookup_end(struct key_source *ks, struct lookup *lookup,
	const struct key_answer *answer, const char *why)
{
	TAILQ_REMOVE(&ks->under_way, lookup, in_queue);
	ks->sent--;
	if (why != NULL)
		question_fail(ks, lookup->question, why);
	else
		key_table_answer(ks->table, lookup->question, answer);
	lookup_free(ks, lookup);
}

static void lookup_finish(struct key_source *ks, struct lookup *lookup, CURLcode code)
{
	struct key_answer answer;
	const char *why;
	long status = 0;

	meter_time(ks->times, lookup->sent_ns);
	if (code != CURLE_OK) {
		lookup_end(ks, lookup, NULL,
			lookup->is_body_too_long ? "the answer is too long"
						 : curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(lookup->easy, CURLINFO_RESPONSE_CODE, &status);
	key_answer_read(ks->gba, status, lookup->body, lookup->body_len,
		(uint32_t)ks->conf->key_source.max_key_age_s, &answer, &why);
	lookup_end(ks, lookup, &answer, why);
	explicit_bzero(&answer, sizeof(answer));
}

static void answers_take(struct key_source *ks)
{
	struct CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(ks->multi, &left)) != NULL) {
		CURLcode code = msg->data.result;
		struct lookup *lookup;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &lookup);
		lookup_finish(ks, lookup, code);
	}
}

// Those whose turn does not come in time; those that were sent have libcurl's timeout.
static void overdue_fail(struct key_source *ks, const char *why)
{
	struct key_question *question;

	while ((question = key_table_overdue(ks->table)) != NULL)
		question_fail(ks, question, why);
}

static void *key_source_main(void *arg)
{
	struct key_source *ks = arg;
	struct lookup *lookup;
	int running;

	pthread_setname_np(pthread_self(), "key-source");
	while (!key_table_is_stopped(ks->table)) {
		questions_send(ks);
		curl_multi_perform(ks->multi, &running);
		answers_take(ks);
		overdue_fail(ks, "too many questions wait");
		questions_send(ks);
		curl_multi_poll(ks->multi, NULL, 0, POLL_MS, NULL);
	}
	overdue_fail(ks, "the daemon ends");
	while ((lookup = TAILQ_FIRST(&ks->under_way)) != NULL)
		lookup_end(ks, lookup, NULL, "the daemon ends");
	return NULL;
}

// --- Life -----------------------------------------------------------------------------------

static int url_make(struct key_source *ks, char why[256])
{
	const char *url = ks->conf->key_source.url;

	if (strncmp(url, UNIX_SCHEME "/", strlen(UNIX_SCHEME) + 1) == 0) {
		snprintf(ks->url, sizeof(ks->url), "http://localhost" PATH);
		return 0;
	}
	if (strncmp(url, "https://", 8) == 0 && url[8] != '\0') {
		snprintf(ks->url, sizeof(ks->url), "%s%s", url,
			PATH + (url[strlen(url) - 1] == '/'));
		return 0;
	}
	snprintf(why, 256, "key_source.url is neither unix:/PATH nor https://HOST");
	return -EINVAL;
}

static void key_source_free(struct key_source *ks)
{
	curl_multi_cleanup(ks->multi);
	curl_slist_free_all(ks->headers);
	gba_destroy(ks->gba);
	key_table_destroy(ks->table);
	free(ks);
}

static int parts_create(struct key_source *ks)
{
	int ret = key_table_create(&ks->table);

	if (ret != 0)
		return ret;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ks->multi = curl_multi_init();
	ks->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (ks->multi == NULL || ks->headers == NULL)
		return -ENOMEM;
	return gba_create(&ks->gba);
}

int key_source_create(
	const struct conf *conf, struct meter_times *times, struct key_source **out, char why[256])
{
	struct key_source *ks;
	int ret;

	*out = NULL;
	if (conf->key_source.url[0] == '\0')
		return 0;
	ks = calloc(1, sizeof(*ks));
	if (ks == NULL)
		return -ENOMEM;
	ks->conf = conf;
	ks->times = times;
	TAILQ_INIT(&ks->under_way);
	snprintf(why, 256, "no memory or thread for the key source");
	ret = url_make(ks, why);
	if (ret == 0)
		ret = parts_create(ks);
	if (ret == 0)
		ret = -pthread_create(&ks->thread, NULL, key_source_main, ks);
	if (ret != 0) {
		key_source_free(ks);
		return ret;
	}
	*out = ks;
	return 0;
}

void key_source_stop(struct key_source *ks)
{
	if (ks == NULL)
		return;
	key_table_stop(ks->table);
	curl_multi_wakeup(ks->multi);
	pthread_join(ks->thread, NULL);
}

void key_source_destroy(struct key_source *ks)
{
	if (ks != NULL)
		key_source_free(ks);
}

void key_source_stats_read(struct key_source *ks, struct key_source_stats *out)
{
	memset(out, 0, sizeof(*out));
	if (ks != NULL)
		key_table_stats_read(ks->table, out);
}
