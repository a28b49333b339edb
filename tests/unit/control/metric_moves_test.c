// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// That each metric moves with its source, and by the right number.

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audit.h"
#include "campaign_run.h"
#include "log.h"
#include "meter.h"
#include "metric.h"
#include "metric_facts.h"
#include "site.h"
#include "test.h"

#define BALLAST (64 << 20)

// The part of an answer that is of one metric: from its HELP on. Owned by the caller.
static char *block_of(const char *text, const char *name)
{
	char head[128], *begin, *end;

	snprintf(head, sizeof(head), "# HELP %s ", name);
	begin = strstr(text, head);
	assert_non_null(begin);
	end = strstr(begin + 1, "# HELP ");
	return end == NULL ? strdup(begin) : strndup(begin, (size_t)(end - begin));
}

static double value_of(const char *text, const char *series)
{
	char line[256];
	const char *at;

	snprintf(line, sizeof(line), "\n%s ", series);
	at = strstr(text, line);
	if (at == NULL)
		fail_msg("no series %s", series);
	return strtod(at + strlen(line), NULL);
}

// Every counter of the workers stands at another number.
static void stats_fill(struct dp *dp)
{
	uint64_t *number = (uint64_t *)&dp->stats;

	for (size_t i = 0; i < sizeof(dp->stats) / sizeof(*number); i++)
		number[i] = 1000 + i;
	dp->turns[0] = dp->turns[1] = 1;
}

static void status_fill(struct dp *dp)
{
	struct dp_port_status *port = &dp->status.port[0];

	snprintf(dp->status.crypto, sizeof(dp->status.crypto), "lanes avx512");
	dp->status.tsc_hz = 2000000000;
	dp->status.cpu[1] = 3;
	snprintf(port->driver, sizeof(port->driver), "net_fake");
	port->is_up = 0;
	port->is_gone = port->is_stuck = 1;
	port->speed_mbps = 100;
	port->queues = 2;
	port->lives = 3;
	port->stats = (struct dp_port_stats){1, 2, 3, 4, 5};
	dp->status.hops = 1;
	dp->area = (struct dp_area_stats){1, 2, 3};
	dp->area_rate[0] = 500;
	dp->solicit_rate = 700;
	dp->now = 100;
	dp->highest = 200;
	dp->mark = 300;
}

static int found_job(struct store_txn *txn, void *arg)
{
	struct site *s = arg;
	struct store_group group = {.id = {{0x00, 0xf1, 0x10}, 77}, .created = 1};
	struct store_service service = {.name = "radio", .group_count = 1, .group = {s->group}};
	int ret = store_group_put(txn, &group);

	return ret != 0 ? ret : store_service_put(txn, &service);
}

static int no_job(struct store_txn *txn, void *arg)
{
	(void)txn;
	(void)arg;
	return 0;
}

// Holds the writer until it may go on.
static pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool is_held;

static int hold_job(struct store_env *env, void *arg)
{
	(void)env;
	(void)arg;
	atomic_store(&is_held, true);
	pthread_mutex_lock(&hold);
	pthread_mutex_unlock(&hold);
	return 0;
}

static void *hold_main(void *ctl)
{
	ctl_writer_exclusive(ctl, hold_job, NULL);
	return NULL;
}

static void *wait_main(void *ctl)
{
	ctl_writer_run(ctl, no_job, NULL);
	return NULL;
}

static void campaigns_make(struct site *s)
{
	struct dp_campaign *c;
	uint32_t aborted = site_push(s, 2), done;

	campaign_abort(&s->ctl, aborted);
	settle_step(&s->ctl);
	settle_step(&s->ctl);
	done = site_push(s, 2);
	c = fake_dp_opened(s->dp, 1);
	assert_int_equal(c->id, done);
	fake_dp_through(s->dp, c);
	settle_step(&s->ctl);
	settle_step(&s->ctl);
	site_push(s, 2);
	c = fake_dp_opened(s->dp, 2);
	fake_dp_sent(c, 0, 1);
	fake_dp_refused(c, 1, 2);
	fake_dp_verified(c, 2, DP_DONE_CURRENT);
	for (unsigned i = 0; i < s->dp->workers; i++)
		atomic_store(&c->worker[i].stall, DP_STALL_PORT);
	settle_step(&s->ctl);
}

static void log_and_audit_fill(struct site *s, char path[128])
{
	const struct admin_peer peer = {.name = "x"};
	struct audit_entry entry = {.peer = &peer, .method = "POST", .path = "/x", .status = 200};
	int saved = dup(STDERR_FILENO), full = open("/dev/full", O_WRONLY);
	struct audit *lost;
	char why[256];

	dup2(full, STDERR_FILENO);
	for (int i = 0; i < 10; i++)
		log_error("metric-test", "i=%d", i);
	assert_int_equal(audit_open("/dev/full", &lost, why), 0);
	snprintf(path, 128, "%s/audit.log", s->dir);
	assert_int_equal(audit_open(path, &s->ctl.audit, why), 0);
	audit_write(s->ctl.audit, &entry);
	dup2(saved, STDERR_FILENO);
	log_error("metric-test-end", "i=%d", 1);
	audit_close(lost);
	close(saved);
	close(full);
}

// What the program itself uses.
static void *process_change(void)
{
	struct rlimit limit;
	volatile unsigned spin = 0;
	void *ballast = mmap(NULL, BALLAST, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	assert_ptr_not_equal(ballast, MAP_FAILED);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur--;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (spin < 50000000)
		spin++;
	return ballast;
}

// These tell what is the same in both looks, or need a store that is damaged, or phones over HTTP:
// tests/functional/metrics_test.py has them.
static bool is_moved_elsewhere(const char *name)
{
	static const char *const names[] = {"mskpush_store_map_bytes",
		"mskpush_store_map_max_bytes", "mskpush_store_damaged_blocks",
		"mskpush_audit_lost_total"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	for (size_t i = 0; i < metric_ua_count; i++)
		if (strcmp(metric_ua_rows[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < metric_mtk_count; i++) // bearer_test.c
		if (strcmp(metric_mtk_rows[i].name, name) == 0)
			return true;
	return false;
}

static void blocks_compare(const char *before, const char *after)
{
	const struct metric *metric;

	for (size_t i = 0; (metric = metric_at(i)) != NULL; i++) {
		char *old = block_of(before, metric->name), *new = block_of(after, metric->name);

		if (strcmp(old, new) == 0 && !is_moved_elsewhere(metric->name))
			fail_msg("%s has not moved: %s", metric->name, old);
		free(old);
		free(new);
	}
}

static void every_metric_moves_with_its_source(void **state)
{
	struct site *s = *state;
	pthread_t holder, waiter;
	char *before, *after, path[128];
	struct store_reader *r;
	void *ballast;
	int fd;

	s->conf.areas = 1;
	snprintf(s->conf.area[0].name, sizeof(s->conf.area[0].name), "north");
	before = metric_text(&s->ctl);
	assert_non_null(before);
	site_subscribers(s, 5);
	site_uicc_subscriber(s, 20);
	assert_int_equal(ctl_writer_run(&s->ctl, found_job, s), 0);
	campaigns_make(s);
	stats_fill(s->dp);
	status_fill(s->dp);
	log_and_audit_fill(s, path);
	s->ctl.started_ms = 1;
	s->ctl.campaigns->governor.utilisation = 0.5;
	s->ctl.campaigns->governor.p99_ms = 20;
	atomic_fetch_add(&s->ctl.meters.reloads, 1);
	atomic_fetch_add(&s->ctl.meters.commits_failed, 1);
	atomic_fetch_add(&s->ctl.meters.admin_answers[4], 1);
	meter_time(&s->ctl.meters.admin, meter_now_ns());
	s->ctl.meters.expiry = (struct meter_expiry){.lock = PTHREAD_MUTEX_INITIALIZER,
		.counted_ms = campaign_now_ms(),
		.expired = 1,
		.day = {[3] = 2},
		.later = 3,
		.none = 4};
	ballast = process_change();
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	pthread_mutex_lock(&hold);
	pthread_create(&holder, NULL, hold_main, &s->ctl);
	while (!atomic_load(&is_held))
		usleep(1000);
	pthread_create(&waiter, NULL, wait_main, &s->ctl);
	do
		after = metric_text(&s->ctl);
	while (value_of(after, "mskpush_store_writer_waiting") == 0 && (free(after), true));
	pthread_mutex_unlock(&hold);
	pthread_join(holder, NULL);
	pthread_join(waiter, NULL);
	ctl_reader_put(&s->ctl, r);
	blocks_compare(before, after);
	audit_close(s->ctl.audit);
	s->ctl.audit = NULL;
	unlink(path);
	munmap(ballast, BALLAST);
	close(fd);
	free(before);
	free(after);
}

static void figures_are_those_of_their_source(void **state)
{
	struct site *s = *state;
	char *text;

	s->conf.areas = 1;
	snprintf(s->conf.area[0].name, sizeof(s->conf.area[0].name), "north");
	site_subscribers(s, 4);
	campaigns_make(s);
	stats_fill(s->dp);
	status_fill(s->dp);
	s->ctl.campaigns->governor.p99_ms = 20;
	text = metric_text(&s->ctl);
	assert_int_equal(value_of(text, "mskpush_area_rate{area=\"north\"}"), 500);
	assert_int_equal(value_of(text, "mskpush_governor_rate"), 700);
	assert_float_equal(value_of(text, "mskpush_governor_latency_seconds"), 0.02, 1e-9);
	assert_int_equal(value_of(text, "mskpush_pushes_total"), 1000);
	assert_int_equal(value_of(text, "mskpush_verifications_total"), 1001);
	assert_int_equal(value_of(text, "mskpush_drops_total{cause=\"runt\"}"),
		1000 + offsetof(struct dp_stats, drop) / 8);
	assert_int_equal(value_of(text, "mskpush_stage_items_total{stage=\"check\"}"),
		1000 + offsetof(struct dp_stats, stage_items) / 8 + DP_STAGE_CHECK);
	assert_int_equal(
		value_of(text, "mskpush_worker_pushes_total{worker=\"1\",cpu=\"3\"}"), 1000);
	assert_int_equal(value_of(text, "mskpush_replay_headroom_seconds"), INT32_MAX - 200);
	assert_int_equal(value_of(text, "mskpush_store_map_bytes"), s->conf.store.map_bytes);
	assert_int_equal(value_of(text, "mskpush_subscribers"), 4);
	assert_int_equal(value_of(text, "mskpush_campaigns_started_total"), 3);
	assert_int_equal(value_of(text, "mskpush_campaigns_ended_total{state=\"aborted\"}"), 1);
	assert_int_equal(value_of(text, "mskpush_campaigns_ended_total{state=\"done\"}"), 1);
	assert_int_equal(value_of(text,
				 "mskpush_campaign_members{campaign=\"3\",group=\"001-01/0001\","
				 "state=\"verified\"}"),
		1);
	assert_int_equal(value_of(text,
				 "mskpush_campaign_members{campaign=\"3\",group=\"001-01/0001\","
				 "state=\"pending\"}"),
		2);
	assert_int_equal(value_of(text,
				 "mskpush_campaign_refused{campaign=\"3\",group=\"001-01/0001\","
				 "cause=\"muk-expired\"}"),
		1);
	assert_int_equal(value_of(text,
				 "mskpush_campaign_stalled{campaign=\"3\",group=\"001-01/0001\","
				 "cause=\"port\"}"),
		1);
	assert_int_equal(value_of(text, "mskpush_muks_later"), 4);
	free(text);
}

static void governor_that_lets_none_through_is_not_one_that_is_off(void **state)
{
	struct site *s = *state;
	char *text;

	s->dp->solicit_rate = DP_RATE_NOTHING;
	text = metric_text(&s->ctl);
	assert_int_equal(value_of(text, "mskpush_governor_rate"), 0);
	free(text);
	s->dp->solicit_rate = 0;
	text = metric_text(&s->ctl);
	assert_null(strstr(text, "\nmskpush_governor_rate "));
	free(text);
}

static void buckets_add_up_to_the_count(void **state)
{
	struct site *s = *state;
	uint64_t now = meter_now_ns();
	char *text;

	memset(&s->ctl.meters.admin, 0, sizeof(s->ctl.meters.admin));
	meter_time(&s->ctl.meters.admin, now - 60000); // 60 us
	meter_time(&s->ctl.meters.admin, now - 3000000000); // 3 s
	meter_time(&s->ctl.meters.admin, now - 60000000000); // a minute
	text = metric_text(&s->ctl);
	assert_int_equal(value_of(text, "mskpush_admin_call_seconds_bucket{le=\"2.5\"}"), 1);
	assert_int_equal(value_of(text, "mskpush_admin_call_seconds_bucket{le=\"5\"}"), 2);
	assert_int_equal(value_of(text, "mskpush_admin_call_seconds_bucket{le=\"10\"}"), 2);
	assert_int_equal(value_of(text, "mskpush_admin_call_seconds_bucket{le=\"+Inf\"}"), 3);
	assert_int_equal(value_of(text, "mskpush_admin_call_seconds_count"), 3);
	assert_true(value_of(text, "mskpush_admin_call_seconds_sum") > 63);
	free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, site_up, site_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_metric_moves_with_its_source),
		T(figures_are_those_of_their_source),
		T(governor_that_lets_none_through_is_not_one_that_is_off),
		T(buckets_add_up_to_the_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
