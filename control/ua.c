// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The life of Ua, its threads, and what the others see of it.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "dp.h"
#include "log.h"
#include "ua_names.h"
#include "ua_server.h"

#define RENEW_LEAST_NS 2000000u // between two looks at the newest snapshot
#define RENEW_MOST_NS 1000000000u
#define RENEW_SHARE 20 // of the time goes into renewing, at most one part

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

// --- Threads --------------------------------------------------------------------------------

void ua_thread_clock(struct ua_thread *t)
{
	int64_t realtime_s = (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000000u);

	t->now_ns = clock_ns(CLOCK_BOOTTIME);
	t->now_s = (uint32_t)(t->now_ns / 1000000000u);
	t->unix_s = t->now_s + t->ua->realtime_offset_s;
	if (realtime_s > t->unix_s)
		t->unix_s = realtime_s;
}

// A renewal costs time in large stores, so it takes a share of it. A failed one leaves a reader
// that finds nothing, and is tried again.
void ua_thread_follow(struct ua_thread *t, bool must)
{
	uint64_t wait_ns = t->renew_ns * RENEW_SHARE, begin;

	wait_ns = wait_ns < RENEW_LEAST_NS ? RENEW_LEAST_NS
		: wait_ns > RENEW_MOST_NS  ? RENEW_MOST_NS
					   : wait_ns;
	if (!must && t->now_ns - t->reader_ns < wait_ns)
		return;
	begin = clock_ns(CLOCK_BOOTTIME);
	if (store_reader_renew(t->reader) != 0)
		t->renew_ns = clock_ns(CLOCK_BOOTTIME) - begin;
	t->reader_ns = begin;
}

static int thread_create(struct ua *ua, unsigned index)
{
	struct ua_thread *t = calloc(1, sizeof(*t));
	int ret;

	if (t == NULL)
		return -ENOMEM;
	ua->thread[ua->threads++] = t;
	t->ua = ua;
	t->index = index;
	pthread_mutex_init(&t->woken_lock, NULL);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = t->wake_fd < 0 ? -errno : ctl_reader_get(ua->ctl, &t->reader);
	if (ret == 0)
		ret = ua_bodies_create(&t->bodies);
	if (ret == 0)
		ret = ua_memo_create(&t->memo);
	if (ret == 0)
		ret = ua_catalogue_create(&t->catalogue);
	if (ret == 0)
		ret = dp_muk_prep_create((unsigned)ua->ctl->conf->workers.crypto, &t->muk_prep);
	ua_thread_clock(t);
	return ret;
}

static void thread_destroy(struct ua_thread *t)
{
	ua_http_close(t);
	ua_catalogue_destroy(t->catalogue);
	ua_bodies_destroy(t->bodies);
	ua_memo_destroy(t->memo);
	dp_muk_prep_destroy(t->muk_prep);
	if (t->reader != NULL)
		ctl_reader_put(t->ua->ctl, t->reader);
	if (t->wake_fd >= 0)
		close(t->wake_fd);
	pthread_mutex_destroy(&t->woken_lock);
	free(t);
}

// --- What the others see --------------------------------------------------------------------

void ua_stats_read(const struct ua *ua, struct ua_stats *out)
{
	_Static_assert(sizeof(*out) % sizeof(uint64_t) == 0, "statistics are 64-bit counters");
	uint64_t *to = (uint64_t *)out;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; ua != NULL && i < ua->threads; i++) {
		const uint64_t *from = (const uint64_t *)&ua->thread[i]->stats;

		for (size_t k = 0; k < sizeof(*out) / sizeof(uint64_t); k++)
			to[k] += __atomic_load_n(&from[k], __ATOMIC_RELAXED);
	}
}

unsigned ua_threads(const struct ua *ua)
{
	return ua != NULL ? ua->threads : 0;
}

uint64_t ua_clock_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

void ua_latency_note(struct ua_call *call)
{
	uint64_t took = (ua_clock_ns() - call->begin_ns) / UA_LATENCY_UNIT_NS;
	unsigned seat = took == 0 ? 0 : 64 - (unsigned)__builtin_clzll(took);

	if (ua_result_status(call->result) == 503)
		return;
	call->thread->stats.latency[seat < UA_LATENCIES ? seat : UA_LATENCIES - 1]++;
}

unsigned ua_turns_read(const struct ua *ua, uint64_t turns[CONF_WORKERS_MAX])
{
	unsigned n = ua == NULL ? 0 : ua->threads;

	for (unsigned i = 0; i < n; i++)
		turns[i] = atomic_load_explicit(&ua->thread[i]->turns, memory_order_relaxed);
	return n;
}

const char *ua_addresses(const struct ua *ua)
{
	return ua == NULL ? "" : ua->addresses;
}

struct key_source *ua_key_source(const struct ua *ua)
{
	return ua == NULL ? NULL : ua->key_source;
}

void ua_ids_changed(struct ua *ua, store_id first, uint32_t n, uint64_t version)
{
	if (ua != NULL)
		ua_ha1_forget(ua->ha1, first, n, version);
}

// --- Life -----------------------------------------------------------------------------------

static void realms_make(struct ua *ua)
{
	const struct conf *conf = ua->conf;

	if (conf->ua.realms != CONF_UA_REALMS_ME)
		snprintf(ua->realm[ua->realms++], UA_REALM_MAX, UA_REALM_UICC "%s", conf->fqdn);
	if (conf->ua.realms != CONF_UA_REALMS_UICC)
		snprintf(ua->realm[ua->realms++], UA_REALM_MAX, UA_REALM_ME "%s", conf->fqdn);
	snprintf(ua->offered, sizeof(ua->offered), "%s%s%s", ua->realm[0],
		ua->realms > 1 ? ";" : "", ua->realms > 1 ? ua->realm[1] : "");
}

static int secrets_make(struct ua *ua)
{
	uint8_t secret[32 + 16 + 8];

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	ua_nonce_key_init(&ua->nonce_key, secret, ua_text_of(ua->offered));
	ua_hex_write(ua->opaque, secret + 48, 8);
	return ua_limit_create(secret + 32, &ua->limit);
}

static int tables_create(struct ua *ua)
{
	const struct conf *conf = ua->conf;
	size_t notes = ctl_max_subscribers(ua->ctl) * sizeof(*ua->note);
	void *map = mmap(NULL, notes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int ret = map == MAP_FAILED ? -ENOMEM : secrets_make(ua);

	ua->note = map == MAP_FAILED ? NULL : map;
	if (ret == 0)
		ret = ua_replay_create(
			conf->ua.nonces, (uint32_t)conf->ua.nonce_life_s, &ua->replay);
	if (ret == 0)
		ret = ua_ha1_create(conf->ua.ha1_entries, &ua->ha1);
	return ret;
}

static void ua_free(struct ua *ua)
{
	for (unsigned i = 0; i < ua->threads; i++)
		thread_destroy(ua->thread[i]);
	key_source_destroy(ua->key_source);
	ua_replay_destroy(ua->replay);
	ua_ha1_destroy(ua->ha1);
	ua_limit_destroy(ua->limit);
	pem_pair_wipe(&ua->tls);
	pthread_mutex_destroy(&ua->tls_lock);
	if (ua->note != NULL)
		munmap(ua->note, ctl_max_subscribers(ua->ctl) * sizeof(*ua->note));
	explicit_bzero(ua, sizeof(*ua));
	free(ua);
}

static int parts_create(struct ua *ua, char why[256])
{
	int ret = tables_create(ua);

	snprintf(why, 256, "no memory for the tables of Ua");
	for (unsigned i = 0; ret == 0 && i < ua->conf->ua.threads; i++)
		ret = thread_create(ua, i);
	if (ret == 0)
		ret = ua_http_listen(ua, why);
	if (ret == 0)
		ret = key_source_create(
			ua->conf, &ua->ctl->meters.key_source, &ua->key_source, why);
	return ret;
}

static void threads_join(struct ua *ua, unsigned n)
{
	uint64_t one = 1;

	atomic_store(&ua->stop_requested, true);
	for (unsigned i = 0; i < n; i++)
		if (write(ua->thread[i]->wake_fd, &one, sizeof(one)) < 0)
			log_debug("ua-wake", "errno=%d", errno);
	for (unsigned i = 0; i < n; i++)
		pthread_join(ua->thread[i]->thread, NULL);
}

static int threads_start(struct ua *ua, char why[256])
{
	for (unsigned i = 0; i < ua->threads; i++) {
		struct ua_thread *t = ua->thread[i];
		int ret = -pthread_create(&t->thread, NULL, ua_http_loop, t);

		if (ret == 0)
			continue;
		snprintf(why, 256, "a thread of Ua cannot be started: %s", strerror(-ret));
		threads_join(ua, i);
		return ret;
	}
	return 0;
}

int ua_start(struct ctl *ctl, struct ua **out, char why[256])
{
	struct ua *ua;
	int ret;

	*out = NULL;
	if (ctl->conf->ua.listen.n == 0)
		return 0;
	ua = calloc(1, sizeof(*ua));
	if (ua == NULL)
		return -ENOMEM;
	ua->ctl = ctl;
	ua->conf = ctl->conf;
	pthread_mutex_init(&ua->tls_lock, NULL);
	ua->realtime_offset_s = (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000000u) -
		(int64_t)(clock_ns(CLOCK_BOOTTIME) / 1000000000u);
	realms_make(ua);
	ret = parts_create(ua, why);
	if (ret == 0)
		ret = threads_start(ua, why);
	if (ret != 0) {
		key_source_stop(ua->key_source);
		ua_free(ua);
		return ret;
	}
	log_info("ua-listening", "addresses=\"%s\" threads=%u", ua->addresses, ua->threads);
	*out = ua;
	return 0;
}

void ua_quiesce(struct ua *ua)
{
	if (ua == NULL)
		return;
	// Who waits for it gets an answer now.
	key_source_stop(ua->key_source);
	threads_join(ua, ua->threads);
}

void ua_stop(struct ua *ua)
{
	if (ua != NULL)
		ua_free(ua);
}
