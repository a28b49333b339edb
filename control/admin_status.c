// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How the daemon is: status, counters, and its end.

#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "admin_campaign_json.h"
#include "admin_http.h"
#include "admin_network.h"
#include "campaign.h"
#include "conf.h"
#include "dp.h"
#include "log.h"
#include "memory.h"

#define COUNTER_LIMIT INT32_MAX // no value above it is ever sent

static json_t *clock_json(const struct dp_status *status)
{
	uint32_t highest = status->counter_highest > status->counter_now ? status->counter_highest
									 : status->counter_now;

	return json_pack("{s:o, s:I, s:I, s:I, s:I}", "now", admin_time_ms(campaign_now_ms()),
		"counter_now", (json_int_t)status->counter_now, "counter_highest",
		(json_int_t)status->counter_highest, "counter_mark",
		(json_int_t)status->counter_mark, "headroom_s",
		(json_int_t)COUNTER_LIMIT - highest);
}

static json_t *store_json(struct ctl *ctl, const struct store_reader *r)
{
	struct store_env_info info = {0};
	struct store_service service = {0};
	struct store_group group = {0};
	int services = 0, groups = 0;

	store_env_info(ctl->env, &info);
	while (store_reader_service_next(r, service.id, &service) == 0)
		services++;
	while (store_reader_group_next(r, &group.id, &group) == 0)
		groups++;
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:I, s:o}", "dir",
		ctl->conf->store.dir, "map_bytes", (json_int_t)info.map_bytes, "map_max_bytes",
		(json_int_t)info.map_max_bytes, "used_bytes", (json_int_t)info.used_bytes,
		"version", (json_int_t)info.version, "subscribers",
		(json_int_t)store_reader_subscriber_count(r), "services", services, "groups",
		groups, "damaged_blocks", (json_int_t)store_reader_damaged(r), "wrapping",
		admin_wrapping_json(ctl, r));
}

static json_t *memory_json(void)
{
	struct store_memory_info keys;
	struct memory_facts memory;

	memory_facts(&memory);
	store_memory_info(&keys);
	return json_pack("{s:I, s:I, s:o, s:I, s:I}", "resident_bytes",
		(json_int_t)memory.resident_bytes, "locked_bytes", (json_int_t)memory.locked_bytes,
		"lock_limit_bytes",
		memory.limit_bytes == UINT64_MAX ? json_null()
						 : json_integer((json_int_t)memory.limit_bytes),
		"keys_locked_bytes", (json_int_t)keys.locked_bytes, "keys_unlocked_bytes",
		(json_int_t)keys.unlocked_bytes);
}

static json_t *open_campaigns_json(struct ctl *ctl, struct store_reader *r)
{
	uint32_t ids[DP_CAMPAIGNS_MAX];
	size_t n = campaigns_open(ctl, ids, DP_CAMPAIGNS_MAX);
	json_t *list = json_array();
	struct campaign_view view;

	for (size_t i = 0; i < n; i++)
		if (campaign_view(ctl, r, ids[i], &view) == 0)
			json_array_append_new(list, admin_campaign_json(r, &view));
	return list;
}

static json_t *cpus_json(const struct dp_status *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->workers; i++)
		json_array_append_new(list, json_integer(status->cpu[i]));
	return list;
}

// What the dataplane says, zeros when it does not run.
static void dataplane_status(struct ctl *ctl, struct dp_status *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		dp_status_read(ctl->dp, out);
	pthread_mutex_unlock(&ctl->dp_lock);
}

static json_t *listeners_json(struct ctl *ctl)
{
	return json_pack("{s:s, s:s?, s:s?, s:s?}", "socket", ctl->conf->socket, "tls",
		admin_http_address(ctl->admin, ADMIN_BY_TLS), "console",
		admin_http_address(ctl->admin, ADMIN_BY_CONSOLE), "metrics",
		admin_http_address(ctl->admin, ADMIN_BY_METRICS));
}

void admin_status(const struct admin_request *req, struct admin_reply *reply)
{
	struct ctl *ctl = req->ctl;
	uint64_t now = campaign_now_ms();
	struct dp_status status;
	struct store_reader *r;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	dataplane_status(ctl, &status);
	reply->body = json_pack(
		"{s:s, s:i, s:o, s:f, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"version", MSKPUSH_VERSION, "pid", (int)getpid(), "started",
		admin_time_ms((uint64_t)ctl->started_ms), "uptime_s",
		((double)now - (double)ctl->started_ms) / 1000, "clock", clock_json(&status),
		"crypto", status.crypto, "cpus", cpus_json(&status), "port",
		admin_port_json(ctl->conf, &status), "ports", admin_ports_json(ctl->conf, &status),
		"next_hops", admin_hops_json(&status), "areas", admin_areas_json(ctl), "store",
		store_json(ctl, r), "memory", memory_json(), "ua", admin_ua_status(ctl->ua),
		"governor", admin_governor_json(ctl), "campaigns", open_campaigns_json(ctl, r));
	json_object_set_new(reply->body, "admin", listeners_json(ctl));
	ctl_reader_put(ctl, r);
}

// --- Counters -------------------------------------------------------------------------------

struct counter_name {
	const char *name;
	size_t offset;
};
#define COUNTER(field)                                   \
	{                                                \
#field, offsetof(struct dp_stats, field) \
	}
static const struct counter_name counter_names[] = {
	COUNTER(pushes),
	COUNTER(staged_used),
	COUNTER(verified),
	COUNTER(singles),
	COUNTER(solicits),
	COUNTER(solicits_expired),
	COUNTER(expired_refused),
	COUNTER(singles_merged),
	COUNTER(singles_sent),
	COUNTER(singles_verified),
	COUNTER(singles_given_up),
	COUNTER(singles_refused),
	COUNTER(singles_ended),
	COUNTER(singles_full),
	COUNTER(handed_over),
	COUNTER(tx_frames),
	COUNTER(tx_bytes),
	COUNTER(rx_frames),
	COUNTER(rx_bytes),
	COUNTER(tx_full),
	COUNTER(put_aside),
	COUNTER(made_anew),
	COUNTER(counter_waits),
	COUNTER(no_mbuf),
	COUNTER(arp_answers),
	COUNTER(arp_requests),
	COUNTER(arp_replies),
	COUNTER(nd_answers),
	COUNTER(nd_requests),
	COUNTER(nd_replies),
	COUNTER(echo_answers),
	COUNTER(icmp_unreachable),
	COUNTER(icmp_too_big),
	COUNTER(events_lost),
	COUNTER(capture_missed),
	COUNTER(turns),
	COUNTER(sleeps),
};
#undef COUNTER

static json_t *counters_json(const struct dp_stats *stats)
{
	json_t *out = json_object();

	for (size_t i = 0; i < sizeof(counter_names) / sizeof(counter_names[0]); i++) {
		uint64_t value;

		memcpy(&value, (const char *)stats + counter_names[i].offset, sizeof(value));
		json_object_set_new(out, counter_names[i].name, json_integer((json_int_t)value));
	}
	return out;
}

static json_t *drops_json(const struct dp_stats *stats)
{
	json_t *out = json_object();

	for (int i = 0; i < DP_DROP_COUNT; i++)
		json_object_set_new(out, dp_drop_name((enum dp_drop)i),
			json_integer((json_int_t)stats->drop[i]));
	return out;
}

// Verdicts that never came are left out: there are many.
static json_t *mikey_json(const struct dp_stats *stats)
{
	json_t *out = json_object();

	for (unsigned i = 0; i < DP_MIKEY_STATUS_MAX; i++)
		if (stats->mikey[i] != 0)
			json_object_set_new(out, dp_mikey_status_name(i),
				json_integer((json_int_t)stats->mikey[i]));
	return out;
}

static json_t *stages_json(const struct dp_stats *stats)
{
	json_t *out = json_array();

	for (int i = 0; i < DP_STAGE_COUNT; i++) {
		uint64_t items = stats->stage_items[i], cycles = stats->stage_cycles[i];

		json_array_append_new(out,
			json_pack("{s:s, s:I, s:I, s:f}", "name", dp_stage_name((enum dp_stage)i),
				"cycles", (json_int_t)cycles, "items", (json_int_t)items,
				"cycles_per_item",
				items == 0 ? 0.0 : (double)cycles / (double)items));
	}
	return out;
}

static json_t *worker_json(int cpu, const struct dp_stats *s)
{
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "cpu", cpu, "pushes",
		(json_int_t)s->pushes, "verified", (json_int_t)s->verified, "rx_frames",
		(json_int_t)s->rx_frames, "tx_frames", (json_int_t)s->tx_frames, "turns",
		(json_int_t)s->turns, "sleeps", (json_int_t)s->sleeps);
}

void admin_stats(const struct admin_request *req, struct admin_reply *reply)
{
	struct ctl *ctl = req->ctl;
	struct dp_stats sum = {0}, one;
	json_t *workers = json_array();
	struct dp_status status;

	dataplane_status(ctl, &status);
	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		dp_stats_read(ctl->dp, -1, &sum);
	for (unsigned i = 0; ctl->dp != NULL && i < status.workers; i++) {
		dp_stats_read(ctl->dp, (int)i, &one);
		json_array_append_new(workers, worker_json(status.cpu[i], &one));
	}
	pthread_mutex_unlock(&ctl->dp_lock);
	reply->body = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "counters",
		counters_json(&sum), "ports", admin_ports_json(ctl->conf, &status), "areas",
		admin_areas_json(ctl), "drops", drops_json(&sum), "mikey", mikey_json(&sum),
		"workers", workers, "stages", stages_json(&sum), "ua", admin_ua_stats(ctl->ua));
}

void admin_stats_stages(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"measure", NULL};
	const json_t *measure = json_object_get(req->body, "measure");

	if (admin_body_check(req, reply, names) != 0)
		return;
	if (!json_is_boolean(measure)) {
		admin_error(reply, 400, "bad-value", "measure is to be true or false.");
		return;
	}
	pthread_mutex_lock(&req->ctl->dp_lock);
	if (req->ctl->dp != NULL)
		dp_stages_measure(req->ctl->dp, json_is_true(measure));
	pthread_mutex_unlock(&req->ctl->dp_lock);
}

// After the reply has gone out.
static void daemon_end(struct ctl *ctl)
{
	uint64_t one = 1;

	if (write(ctl->wake_fd, &one, sizeof(one)) < 0)
		log_error("shutdown-failed", "why=\"the main loop cannot be woken\"");
}

void admin_shutdown(const struct admin_request *req, struct admin_reply *reply)
{
	(void)req;
	log_info("shutdown", "by=admin");
	reply->done = daemon_end;
}
