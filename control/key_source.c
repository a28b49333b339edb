// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Questions stand in a table by B-TID from the moment somebody asks until the answer is there, so
// that others who ask for the same wait for the same. One thread sends them, so many at a time,
// with libcurl; each has a deadline from the moment it was asked, sent or not.

#include "key_source.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include <curl/curl.h>

#include "key_answer.h"
#include "log.h"
#include "ua_hash.h"

#define BUCKETS 1024
#define REMEMBERED 4096
#define POLL_MS 200
#define PATH "/v1/bootstrapping-info"
#define UNIX_SCHEME "unix:"

struct lookup {
	TAILQ_ENTRY(lookup) in_queue; // of those not sent yet, or of those sent
	struct lookup *next; // in its bucket
	struct key_waiter *waiters;
	int64_t deadline_ms;
	CURL *easy; // NULL: not sent yet
	char *body; // of the answer
	size_t body_len;
	bool is_body_too_long;
	char btid[STORE_NAI_MAX + 1];
};
TAILQ_HEAD(lookup_queue, lookup);

struct remembered {
	uint64_t of; // hash of B-TID and address
	int64_t until_ms;
};

struct key_source {
	const struct conf *conf;
	char url[CONF_TEXT_MAX + sizeof(PATH)];
	uint8_t hash_key[16];
	pthread_t thread;
	CURLM *multi; // the thread's
	struct curl_slist *headers;
	struct gba *gba; // the thread's
	unsigned sent; // the thread's: how many are under way
	struct lookup_queue under_way; // the thread's
	pthread_mutex_t lock; // of what follows
	struct lookup_queue waiting; // not sent yet, in the order they came
	struct lookup *bucket[BUCKETS];
	struct remembered remembered[REMEMBERED];
	struct key_source_stats stats;
	bool stop_requested;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// --- What is remembered ---------------------------------------------------------------------

static uint64_t hash_of(const struct key_source *ks, const char *btid, const char *address)
{
	uint8_t digest[UA_HASH_MAX];
	struct ua_hash h;
	uint64_t out;

	ua_hash_begin(&h, UA_ALG_SHA256);
	ua_hash_add(&h, ks->hash_key, sizeof(ks->hash_key));
	ua_hash_add(&h, btid, strlen(btid) + 1);
	ua_hash_add(&h, address, strlen(address));
	ua_hash_end(&h, digest);
	memcpy(&out, digest, sizeof(out));
	return out;
}

static bool is_remembered(struct key_source *ks, uint64_t of)
{
	const struct remembered *seat = &ks->remembered[of % REMEMBERED];

	return seat->of == of && seat->until_ms > now_ms();
}

static void remember(struct key_source *ks, uint64_t of)
{
	ks->remembered[of % REMEMBERED] =
		(struct remembered){.of = of, .until_ms = now_ms() + KEY_NOT_KNOWN_S * 1000};
}

// --- The table ------------------------------------------------------------------------------

static struct lookup **lookup_seat(struct key_source *ks, const char *btid)
{
	struct lookup **seat = &ks->bucket[hash_of(ks, btid, "") % BUCKETS];

	while (*seat != NULL && strcmp((*seat)->btid, btid) != 0)
		seat = &(*seat)->next;
	return seat;
}

static struct lookup *lookup_add(struct key_source *ks, struct lookup **seat, const char *btid)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	snprintf(lookup->btid, sizeof(lookup->btid), "%s", btid);
	lookup->deadline_ms = now_ms() + 2 * (int64_t)ks->conf->key_source.timeout_s * 1000;
	*seat = lookup;
	TAILQ_INSERT_TAIL(&ks->waiting, lookup, in_queue);
	return lookup;
}

// With the lock held. KEY_KNOWN: the answer will come.
static enum key_verdict ask_locked(
	struct key_source *ks, const char *btid, struct key_waiter *waiter)
{
	struct lookup **seat, *lookup;

	if (ks->stop_requested)
		return KEY_BUSY;
	if (is_remembered(ks, hash_of(ks, btid, waiter->address))) {
		ks->stats.remembered++;
		return KEY_NOT_KNOWN;
	}
	seat = lookup_seat(ks, btid);
	lookup = *seat;
	if (lookup != NULL)
		ks->stats.coalesced++;
	else
		lookup = lookup_add(ks, seat, btid);
	if (lookup == NULL)
		return KEY_BUSY;
	waiter->next = lookup->waiters;
	lookup->waiters = waiter;
	return KEY_KNOWN;
}

void key_source_ask(struct key_source *ks, const char *btid, struct key_waiter *waiter)
{
	struct key_answer answer = {0};

	pthread_mutex_lock(&ks->lock);
	answer.verdict = ask_locked(ks, btid, waiter);
	pthread_mutex_unlock(&ks->lock);
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

static bool lookup_send(struct key_source *ks, struct lookup *lookup)
{
	char question[KEY_QUESTION_MAX];
	size_t len = key_question_write(lookup->btid, ks->conf->fqdn, question);

	lookup->easy = len == 0 ? NULL : curl_easy_init();
	lookup->body = malloc(KEY_ANSWER_MAX);
	if (lookup->easy == NULL || lookup->body == NULL)
		return false;
	easy_set(ks, lookup, question, len);
	return curl_multi_add_handle(ks->multi, lookup->easy) == CURLM_OK;
}

// Takes it out of the table: who asks from now on asks anew.
static struct key_waiter *lookup_close(
	struct key_source *ks, struct lookup *lookup, enum key_verdict verdict)
{
	struct key_waiter *waiters;
	struct lookup **seat;

	pthread_mutex_lock(&ks->lock);
	seat = lookup_seat(ks, lookup->btid);
	*seat = lookup->next;
	waiters = lookup->waiters;
	for (struct key_waiter *w = waiters; w != NULL && verdict == KEY_NOT_KNOWN; w = w->next)
		remember(ks, hash_of(ks, lookup->btid, w->address));
	ks->stats.answered[verdict]++;
	pthread_mutex_unlock(&ks->lock);
	return waiters;
}

static void lookup_end(
	struct key_source *ks, struct lookup *lookup, const struct key_answer *answer)
{
	struct key_waiter *waiter = lookup_close(ks, lookup, answer->verdict), *next;

	for (; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->done(waiter->arg, answer);
	}
	if (lookup->easy != NULL) {
		curl_multi_remove_handle(ks->multi, lookup->easy);
		curl_easy_cleanup(lookup->easy);
	}
	if (lookup->body != NULL)
		explicit_bzero(lookup->body, lookup->body_len);
	free(lookup->body);
	free(lookup);
}

static void lookup_fail(struct key_source *ks, struct lookup *lookup, const char *why)
{
	const struct key_answer busy = {.verdict = KEY_BUSY};

	log_warning("key-source", "btid=\"%s\" why=\"%s\"", lookup->btid, why);
	lookup_end(ks, lookup, &busy);
}

static void under_way_leave(struct key_source *ks, struct lookup *lookup)
{
	TAILQ_REMOVE(&ks->under_way, lookup, in_queue);
	ks->sent--;
}

// Sends what waits, as far as there is room.
static void lookups_send(struct key_source *ks)
{
	while (ks->sent < ks->conf->key_source.lookups) {
		struct lookup *lookup;

		pthread_mutex_lock(&ks->lock);
		lookup = TAILQ_FIRST(&ks->waiting);
		if (lookup != NULL) {
			TAILQ_REMOVE(&ks->waiting, lookup, in_queue);
			ks->stats.asked++;
		}
		pthread_mutex_unlock(&ks->lock);
		if (lookup == NULL)
			return;
		TAILQ_INSERT_TAIL(&ks->under_way, lookup, in_queue);
		ks->sent++;
		if (lookup_send(ks, lookup))
			continue;
		under_way_leave(ks, lookup);
		lookup_fail(ks, lookup, "the question cannot be sent");
	}
}

static void lookup_finish(struct key_source *ks, struct lookup *lookup, CURLcode code)
{
	struct key_answer answer;
	const char *why;
	long status = 0;

	under_way_leave(ks, lookup);
	if (code != CURLE_OK) {
		lookup_fail(ks, lookup,
			lookup->is_body_too_long ? "the answer is too long"
						 : curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(lookup->easy, CURLINFO_RESPONSE_CODE, &status);
	key_answer_read(ks->gba, status, lookup->body, lookup->body_len,
		(uint32_t)ks->conf->key_source.max_key_age_s, &answer, &why);
	if (why != NULL)
		lookup_fail(ks, lookup, why);
	else
		lookup_end(ks, lookup, &answer);
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
static void deadlines_keep(struct key_source *ks, bool is_end)
{
	int64_t now = now_ms();

	for (;;) {
		struct lookup *lookup;

		pthread_mutex_lock(&ks->lock);
		lookup = TAILQ_FIRST(&ks->waiting);
		if (lookup != NULL && !is_end && lookup->deadline_ms > now)
			lookup = NULL;
		if (lookup != NULL)
			TAILQ_REMOVE(&ks->waiting, lookup, in_queue);
		pthread_mutex_unlock(&ks->lock);
		if (lookup == NULL)
			return;
		lookup_fail(ks, lookup, "too many questions wait");
	}
}

static bool is_stopping(struct key_source *ks)
{
	bool is;

	pthread_mutex_lock(&ks->lock);
	is = ks->stop_requested;
	pthread_mutex_unlock(&ks->lock);
	return is;
}

static void *key_source_main(void *arg)
{
	struct key_source *ks = arg;
	struct lookup *lookup;
	int running;

	pthread_setname_np(pthread_self(), "key-source");
	while (!is_stopping(ks)) {
		lookups_send(ks);
		curl_multi_perform(ks->multi, &running);
		answers_take(ks);
		deadlines_keep(ks, false);
		lookups_send(ks);
		curl_multi_poll(ks->multi, NULL, 0, POLL_MS, NULL);
	}
	deadlines_keep(ks, true);
	while ((lookup = TAILQ_FIRST(&ks->under_way)) != NULL) {
		under_way_leave(ks, lookup);
		lookup_fail(ks, lookup, "the daemon ends");
	}
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
	pthread_mutex_destroy(&ks->lock);
	explicit_bzero(ks, sizeof(*ks));
	free(ks);
}

static int parts_create(struct key_source *ks)
{
	if (getrandom(ks->hash_key, sizeof(ks->hash_key), 0) != sizeof(ks->hash_key))
		return -EIO;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ks->multi = curl_multi_init();
	ks->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (ks->multi == NULL || ks->headers == NULL)
		return -ENOMEM;
	return gba_create(&ks->gba);
}

int key_source_create(const struct conf *conf, struct key_source **out, char why[256])
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
	pthread_mutex_init(&ks->lock, NULL);
	TAILQ_INIT(&ks->waiting);
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
	pthread_mutex_lock(&ks->lock);
	ks->stop_requested = true;
	pthread_mutex_unlock(&ks->lock);
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
	if (ks == NULL)
		return;
	pthread_mutex_lock(&ks->lock);
	*out = ks->stats;
	pthread_mutex_unlock(&ks->lock);
}
