// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// HTTP has no thread of its own either: the port loop gives it a turn between two bursts, so phones
// have one owner, and an MSK that follows its 200 finds them as the 200 left them. It costs the
// loop one system call a turn while connections are open, and nothing otherwise.

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "key_source.h"
#include "program.h"
#include "site.h"
#include "ua_order.h"

#define EVENTS 256
#define KEY_SOURCE UINT64_MAX // data of its event, no number of a connection
// How often libmicrohttpd looks after connections that have been idle for too long.
#define KEY_SOURCE_LOOK_US 250000
#define SPARE_DESCRIPTORS 64

struct http {
	struct program *program;
	struct ue_site *site;
	struct ue_url url;
	int epoll;
	struct key_source *source;
	bool source_has_more;
	int64_t source_run_at;
};

static int why_write(char *why, int rc, const char *what, const char *cause)
{
	snprintf(why, HTTP_WHY_BYTES, "%s: %s", what, cause);
	return rc;
}

static int server_find(const struct http *http, struct ue_pool_conf *conf, char *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int rc = getaddrinfo(http->url.host, http->url.port, &hints, &found);

	if (rc != 0)
		return why_write(why, -EINVAL, http->program->options.ua, gai_strerror(rc));
	memcpy(&conf->server, found->ai_addr, found->ai_addrlen);
	conf->server_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

// Many connections need many descriptors.
static int descriptors_allow(uint64_t connections, char *why)
{
	struct rlimit limit;
	uint64_t wanted = connections + SPARE_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return why_write(why, -errno, "RLIMIT_NOFILE", strerror(errno));
	if (limit.rlim_cur >= wanted)
		return 0;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (limit.rlim_cur < wanted || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return why_write(
			why, -EMFILE, "--ua-connections", "more than the limit of open files");
	return 0;
}

static int ua_start(struct http *http, char *why)
{
	const struct ue_options *options = &http->program->options;
	struct ue_site *site = http->site;
	struct ue_ua_conf ua = {
		.authority = http->url.authority,
		.base = http->url.base,
		.fqdn = options->site.fqdn,
		.attempts = (unsigned)options->ua_attempts,
		.back_off_us = (int64_t)(options->ua_back_off * 1e6),
		.msk_wait_us = (int64_t)(options->ua_msk_wait * 1e6),
		.missed_wait_us = (int64_t)(options->ua_missed_wait * 1e6),
		.missed_back_off_us = (int64_t)(options->ua_missed_back_off * 1e6),
		.seed = options->site.seed,
		.bsf = site->bsf,
	};
	struct ue_pool_conf pool = {
		.connections = (unsigned)options->ua_connections,
		.timeout_us = (int64_t)(options->ua_timeout * 1e6),
	};
	int rc = descriptors_allow(options->ua_connections, why);

	ue_url_parse(&http->url, options->ua);
	if (options->ua_groups != NULL)
		ua.key_count = ue_key_groups_parse(ua.keys, options->ua_groups);
	if (options->ua_source != NULL)
		ue_source_parse(&pool.source, &pool.source_count, options->ua_source);
	if (rc == 0)
		rc = server_find(http, &pool, why);
	if (rc != 0)
		return rc;
	rc = ue_ua_create(&site->ua, &ua, &site->phones);
	if (rc == 0)
		rc = ue_pool_create(&site->pool, &pool, site->ua, http->epoll);
	return rc != 0 ? why_write(why, rc, "--ua", strerror(-rc)) : 0;
}

static int source_start(struct http *http, char *why)
{
	const struct ue_options *options = &http->program->options;
	const struct ue_bsf_conf conf = {
		.fqdn = options->site.fqdn,
		.domain = options->generate.bsf,
		.lifetime_s = (int64_t)options->lifetime,
		.gba_u = options->gba_u,
		.seed = options->site.seed,
	};
	struct epoll_event event = {EPOLLIN, {.u64 = KEY_SOURCE}};
	int rc = ue_bsf_create(&http->site->bsf, &conf, &http->site->phones);

	if (rc == 0)
		rc = key_source_open(&http->source, options->key_source, http->site->bsf);
	if (rc == 0 &&
		epoll_ctl(http->epoll, EPOLL_CTL_ADD, key_source_fd(http->source), &event) != 0)
		rc = -errno;
	return rc != 0 ? why_write(why, rc, options->key_source, strerror(-rc)) : 0;
}

int http_start(struct http **out, struct program *program, char why[HTTP_WHY_BYTES])
{
	const struct ue_options *options = &program->options;
	struct http *http;
	int rc = 0;

	*out = NULL;
	if (options->ua == NULL && options->key_source == NULL)
		return 0;
	http = calloc(1, sizeof(*http));
	if (http == NULL)
		return why_write(why, -ENOMEM, "HTTP", strerror(ENOMEM));
	http->program = program;
	http->site = program->site;
	http->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (http->epoll < 0)
		rc = why_write(why, -errno, "epoll", strerror(errno));
	if (rc == 0 && options->key_source != NULL)
		rc = source_start(http, why);
	if (rc == 0 && options->ua != NULL)
		rc = ua_start(http, why);
	*out = http;
	return rc;
}

void http_stop(struct http *http)
{
	if (http == NULL)
		return;
	ue_pool_destroy(http->site->pool);
	http->site->pool = NULL;
	key_source_close(http->source);
	if (http->epoll >= 0)
		close(http->epoll);
	ue_ua_destroy(http->site->ua);
	http->site->ua = NULL;
	ue_bsf_destroy(http->site->bsf);
	http->site->bsf = NULL;
	free(http);
}

void http_begin(struct http *http)
{
	const struct ue_options *options;
	struct ue_now now = ue_now();
	struct ue_ua_order order = {.procedures = 0};

	if (http == NULL || http->site->ua == NULL)
		return;
	options = &http->program->options;
	if (options->ua_do == NULL)
		return;
	ue_procedures_parse(&order.procedures, options->ua_do);
	order.count = (uint32_t)options->ua_phones;
	order.rate = options->ua_rate;
	order.spread_us = (int64_t)(options->ua_spread * 1e6);
	ue_ua_order(http->site->ua, &order, &now);
}

static bool source_turn(struct http *http, bool is_ready, const struct ue_now *now)
{
	if (http->source == NULL ||
		(!is_ready && !http->source_has_more &&
			now->mono - http->source_run_at < KEY_SOURCE_LOOK_US))
		return false;
	http->source_run_at = now->mono;
	http->source_has_more = key_source_run(http->source, now->wall / 1000000);
	return is_ready || http->source_has_more;
}

bool http_turn(struct http *http, const struct ue_now *now)
{
	struct epoll_event events[EVENTS];
	bool is_ready = false, is_busy = false;
	int n;

	if (http == NULL)
		return false;
	n = epoll_wait(http->epoll, events, EVENTS, 0);
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == KEY_SOURCE)
			is_ready = true;
		else
			ue_pool_event(http->site->pool, events[i].data.u64, events[i].events, now);
		is_busy = true;
	}
	is_busy |= source_turn(http, is_ready, now);
	if (http->site->pool != NULL)
		is_busy |= ue_pool_turn(http->site->pool, now);
	return is_busy;
}

int http_fd(const struct http *http)
{
	return http == NULL ? -1 : http->epoll;
}

void http_wait(struct http *http, unsigned us)
{
	struct timespec time = {.tv_nsec = (long)us * 1000};

	if (http == NULL)
		usleep(us);
	else
		ppoll(&(struct pollfd){http->epoll, POLLIN, 0}, 1, &time, NULL);
}
