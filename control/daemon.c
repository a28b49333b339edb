// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The ladder: what a step up has made is undone by the same step's way down.

#include "daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "admin_http.h"
#include "audit.h"
#include "bearer.h"
#include "campaign.h"
#include "conf_dp.h"
#include "confine.h"
#include "counter_mark.h"
#include "history.h"
#include "log.h"
#include "memory.h"
#include "metric.h"
#include "notify.h"
#include "rewrap.h"
#include "ua.h"
#include "writer_thread.h"

#define READERS_MAX 224 // workers, threads of Ua, connections, and some

static int store_up(struct daemon *d, char why[256])
{
	struct store_env_conf conf = {
		.dir = d->conf.store.dir,
		.map_bytes = d->conf.store.map_bytes,
		.map_max_bytes = d->conf.store.map_max_bytes,
		.max_readers = READERS_MAX,
		.wrapping_key = d->conf.store.wrapping_key,
	};
	struct store_env_info info;
	int ret = store_env_open(&conf, &d->ctl.env, why);

	if (ret != 0)
		return ret;
	if (store_env_info(d->ctl.env, &info) == 0 && info.key_numbers_skipped != 0)
		log_warning("store-is-a-copy",
			"why=\"a backup was restored\" key_numbers_skipped=%u",
			info.key_numbers_skipped);
	return 0;
}

static void store_down(struct daemon *d)
{
	store_env_close(d->ctl.env);
}

static int mark_up(struct daemon *d, char why[256])
{
	return counter_mark_open(
		d->ctl.env, d->conf.store.dir, d->is_clock_accepted, &d->mark, &d->counter, why);
}

static void mark_down(struct daemon *d)
{
	counter_mark_close(d->mark);
}

static int campaigns_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "no memory");
	return campaigns_create(&d->ctl, &d->ctl.campaigns);
}

static void campaigns_down(struct daemon *d)
{
	campaigns_destroy(d->ctl.campaigns);
}

static int history_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "no memory for history.size");
	return history_create(d->conf.history.bytes, &d->ctl.history);
}

static void history_down(struct daemon *d)
{
	history_destroy(d->ctl.history);
}

static int writer_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "no thread for the store writer");
	return writer_create(&d->ctl, d->mark, &d->ctl.writer);
}

static void writer_down(struct daemon *d)
{
	writer_destroy(d->ctl.writer);
}

static int dataplane_up(struct daemon *d, char why[256])
{
	struct dp_conf conf;

	conf_dp_fill(&d->conf, &conf);
	return dp_start(&conf, d->ctl.env, &d->counter, &d->ctl.dp, why);
}

// Frames in flight are sent; what they and the last answers changed is settled; the last commit
// carries the mark.
static void dataplane_down(struct daemon *d)
{
	struct dp *dp = d->ctl.dp;

	settle_step(&d->ctl);
	pthread_mutex_lock(&d->ctl.dp_lock);
	d->ctl.dp = NULL;
	pthread_mutex_unlock(&d->ctl.dp_lock);
	dp_stop(dp);
	settle_finish(&d->ctl);
	ctl_writer_commit(&d->ctl);
}

static int mark_thread_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "no thread for the counter mark");
	return counter_mark_run(d->mark, &d->ctl);
}

static void mark_thread_down(struct daemon *d)
{
	counter_mark_stop(d->mark);
}

static int resume_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "the store cannot be read");
	return campaigns_resume(&d->ctl);
}

static int mtk_up(struct daemon *d, char why[256])
{
	int ret = bearers_create(&d->ctl, d->mark, &d->ctl.bearers);

	snprintf(why, 256, "MTKs cannot be read from the store, or noted in the mark file");
	return ret != 0 ? ret : bearers_run(d->ctl.bearers);
}

static void mtk_down(struct daemon *d)
{
	bearers_end(d->ctl.bearers);
	bearers_destroy(d->ctl.bearers);
	d->ctl.bearers = NULL;
}

static int audit_up(struct daemon *d, char why[256])
{
	char path[CONF_TEXT_MAX];

	snprintf(path, sizeof(path), "%.200s/audit.log", d->conf.store.dir);
	return audit_open(
		d->conf.admin.audit[0] != '\0' ? d->conf.admin.audit : path, &d->ctl.audit, why);
}

static void audit_down(struct daemon *d)
{
	audit_close(d->ctl.audit);
	d->ctl.audit = NULL;
}

static int ua_up(struct daemon *d, char why[256])
{
	return ua_start(&d->ctl, &d->ctl.ua, why);
}

static int ua_forget_job(struct store_env *env, void *arg)
{
	struct daemon *d = arg;

	(void)env;
	d->ctl.ua = NULL;
	return 0;
}

// The writer tells it of changes until then.
static void ua_down(struct daemon *d)
{
	struct ua *ua = d->ctl.ua;

	ua_quiesce(ua);
	ctl_writer_exclusive(&d->ctl, ua_forget_job, d);
	ua_stop(ua);
}

static int rewrap_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "no thread for sealing records anew");
	return rewrap_create(&d->ctl, &d->ctl.rewrap);
}

static void rewrap_down(struct daemon *d)
{
	rewrap_destroy(d->ctl.rewrap);
}

static int admin_up(struct daemon *d, char why[256])
{
	return admin_http_start(&d->ctl, why);
}

static void admin_down(struct daemon *d)
{
	admin_http_stop(d->ctl.admin);
}

static int telemetry_up(struct daemon *d, char why[256])
{
	snprintf(why, 256, "DPDK's telemetry takes no commands");
	return metric_telemetry_start(&d->ctl);
}

static void telemetry_down(struct daemon *d)
{
	metric_telemetry_stop(&d->ctl);
}

// The last rung: from here on nothing is opened that needs a privilege.
static int confine_up(struct daemon *d, char why[256])
{
	struct dp_conf conf;

	if (!d->conf.is_confined)
		return 0;
	conf_dp_fill(&d->conf, &conf);
	return confine_end(&conf, why);
}

static const struct rung {
	const char *name;
	int (*up)(struct daemon *d, char why[256]);
	void (*down)(struct daemon *d);
} ladder[] = {
	{"store", store_up, store_down},
	{"counter-mark", mark_up, mark_down},
	{"campaigns", campaigns_up, campaigns_down},
	{"history", history_up, history_down},
	{"store-writer", writer_up, writer_down},
	{"dataplane", dataplane_up, dataplane_down},
	{"counter-thread", mark_thread_up, mark_thread_down},
	{"resume", resume_up, NULL},
	{"mtk", mtk_up, mtk_down},
	{"audit-log", audit_up, audit_down},
	{"rewrap", rewrap_up, rewrap_down},
	{"ua", ua_up, ua_down},
	{"admin-socket", admin_up, admin_down},
	{"telemetry", telemetry_up, telemetry_down},
	{"confine", confine_up, NULL},
};
#define RUNGS (sizeof(ladder) / sizeof(ladder[0]))

static void ladder_down(struct daemon *d, size_t from)
{
	while (from-- > 0)
		if (ladder[from].down != NULL)
			ladder[from].down(d);
}

static int ladder_up(struct daemon *d)
{
	char why[256] = "";

	for (size_t i = 0; i < RUNGS; i++) {
		uint64_t begin_ms = campaign_now_ms();
		int ret = ladder[i].up(d, why);

		log_debug("start-step", "step=%s ms=%" PRIu64, ladder[i].name,
			campaign_now_ms() - begin_ms);
		if (ret == 0)
			continue;
		log_error("start-failed", "step=%s errno=%d why=\"%s\"", ladder[i].name, -ret, why);
		notify_send("STATUS=Start failed at %s: %s\nERRNO=%d", ladder[i].name, why, -ret);
		ladder_down(d, i);
		return ret;
	}
	return 0;
}

static int confine_first(struct daemon *d, char why[256])
{
	struct dp_conf conf;

	if (!d->conf.is_confined && d->conf.user[0] != '\0') {
		snprintf(why, 256, "user: needs confine: true");
		return -EINVAL;
	}
	if (!d->conf.is_confined)
		return 0;
	conf_dp_fill(&d->conf, &conf);
	return confine_begin(&conf, d->conf.admin.group[0] != '\0', d->conf.user, why);
}

// What the parts share.
static int ctl_begin(struct daemon *d)
{
	d->ctl.conf = &d->conf;
	d->ctl.started_ms = (int64_t)campaign_now_ms();
	pthread_mutex_init(&d->ctl.conf_lock, NULL);
	pthread_mutex_init(&d->ctl.dp_lock, NULL);
	pthread_mutex_init(&d->ctl.msk_lock, NULL);
	pthread_mutex_init(&d->ctl.meters.expiry.lock, NULL);
	d->ctl.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return d->ctl.wake_fd < 0 ? -errno : 0;
}

int daemon_up(struct daemon *d)
{
	char why[256];
	int ret = ctl_begin(d);

	if (ret != 0) {
		log_error("start-failed", "step=wake errno=%d", -ret);
		return ret;
	}
	ret = confine_first(d, why);
	if (ret != 0) {
		log_error("start-failed", "step=confine why=\"%s\"", why);
		return ret;
	}
	memory_lock();
	return ladder_up(d);
}

void daemon_down(struct daemon *d)
{
	ladder_down(d, RUNGS);
}
