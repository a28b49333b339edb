// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpushd: reads its configuration, climbs the start ladder, settles until it is told to end,
// and climbs down again. What a step has made is undone by the same step.

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "admin_http.h"
#include "audit.h"
#include "bearer.h"
#include "campaign.h"
#include "conf.h"
#include "conf_dp.h"
#include "confine.h"
#include "counter_mark.h"
#include "ctl.h"
#include "dp.h"
#include "history.h"
#include "log.h"
#include "memory.h"
#include "metric.h"
#include "notify.h"
#include "options.h"
#include "pulse.h"
#include "ready.h"
#include "reload.h"
#include "rewrap.h"
#include "ua.h"
#include "writer_thread.h"

#define READERS_MAX 224 // workers, threads of Ua, connections, and some
#define EXIT_USAGE 2

struct site {
	struct options options;
	struct conf conf;
	bool is_clock_accepted;
	struct ctl ctl;
	struct dp_counter_start counter;
	struct counter_mark *mark;
	struct pulse pulse;
	int signal_fd;
};

// --- The ladder -----------------------------------------------------------------------------

static int store_up(struct site *s, char why[256])
{
	struct store_env_conf conf = {
		.dir = s->conf.store.dir,
		.map_bytes = s->conf.store.map_bytes,
		.map_max_bytes = s->conf.store.map_max_bytes,
		.max_readers = READERS_MAX,
		.wrapping_key = s->conf.store.wrapping_key,
	};
	struct store_env_info info;
	int ret = store_env_open(&conf, &s->ctl.env, why);

	if (ret != 0)
		return ret;
	if (store_env_info(s->ctl.env, &info) == 0 && info.key_numbers_skipped != 0)
		log_warning("store-is-a-copy",
			"why=\"a backup was restored\" key_numbers_skipped=%u",
			info.key_numbers_skipped);
	return 0;
}

static void store_down(struct site *s)
{
	store_env_close(s->ctl.env);
}

static int mark_up(struct site *s, char why[256])
{
	return counter_mark_open(
		s->ctl.env, s->conf.store.dir, s->is_clock_accepted, &s->mark, &s->counter, why);
}

static void mark_down(struct site *s)
{
	counter_mark_close(s->mark);
}

static int campaigns_up(struct site *s, char why[256])
{
	snprintf(why, 256, "no memory");
	return campaigns_create(&s->ctl, &s->ctl.campaigns);
}

static void campaigns_down(struct site *s)
{
	campaigns_destroy(s->ctl.campaigns);
}

static int history_up(struct site *s, char why[256])
{
	snprintf(why, 256, "no memory for history.size");
	return history_create(s->conf.history.bytes, &s->ctl.history);
}

static void history_down(struct site *s)
{
	history_destroy(s->ctl.history);
}

static int writer_up(struct site *s, char why[256])
{
	snprintf(why, 256, "no thread for the store writer");
	return writer_create(&s->ctl, s->mark, &s->ctl.writer);
}

static void writer_down(struct site *s)
{
	writer_destroy(s->ctl.writer);
}

static int dataplane_up(struct site *s, char why[256])
{
	struct dp_conf conf;

	conf_dp_fill(&s->conf, &conf);
	return dp_start(&conf, s->ctl.env, &s->counter, &s->ctl.dp, why);
}

static int nothing_job(struct store_txn *txn, void *arg)
{
	(void)txn;
	(void)arg;
	return 0;
}

// Frames in flight are sent; what they and the last answers changed is settled; the last commit
// carries the mark.
static void dataplane_down(struct site *s)
{
	struct dp *dp = s->ctl.dp;

	settle_step(&s->ctl);
	pthread_mutex_lock(&s->ctl.dp_lock);
	s->ctl.dp = NULL;
	pthread_mutex_unlock(&s->ctl.dp_lock);
	dp_stop(dp);
	settle_finish(&s->ctl);
	ctl_writer_run(&s->ctl, nothing_job, NULL);
}

static int mark_thread_up(struct site *s, char why[256])
{
	snprintf(why, 256, "no thread for the counter mark");
	return counter_mark_run(s->mark, &s->ctl);
}

static void mark_thread_down(struct site *s)
{
	counter_mark_stop(s->mark);
}

static int resume_up(struct site *s, char why[256])
{
	snprintf(why, 256, "the store cannot be read");
	return campaigns_resume(&s->ctl);
}

static int mtk_up(struct site *s, char why[256])
{
	int ret = bearers_create(&s->ctl, s->mark, &s->ctl.bearers);

	snprintf(why, 256, "MTKs cannot be read from the store, or noted in the mark file");
	return ret != 0 ? ret : bearers_run(s->ctl.bearers);
}

static void mtk_down(struct site *s)
{
	bearers_end(s->ctl.bearers);
	bearers_destroy(s->ctl.bearers);
	s->ctl.bearers = NULL;
}

static int audit_up(struct site *s, char why[256])
{
	char path[CONF_TEXT_MAX];

	snprintf(path, sizeof(path), "%.200s/audit.log", s->conf.store.dir);
	return audit_open(
		s->conf.admin.audit[0] != '\0' ? s->conf.admin.audit : path, &s->ctl.audit, why);
}

static void audit_down(struct site *s)
{
	audit_close(s->ctl.audit);
	s->ctl.audit = NULL;
}

static int ua_up(struct site *s, char why[256])
{
	return ua_start(&s->ctl, &s->ctl.ua, why);
}

static int ua_forget_job(struct store_env *env, void *arg)
{
	struct site *s = arg;

	(void)env;
	s->ctl.ua = NULL;
	return 0;
}

// The writer tells it of changes until then.
static void ua_down(struct site *s)
{
	struct ua *ua = s->ctl.ua;

	ua_quiesce(ua);
	ctl_writer_exclusive(&s->ctl, ua_forget_job, s);
	ua_stop(ua);
}

static int rewrap_up(struct site *s, char why[256])
{
	snprintf(why, 256, "no thread for sealing records anew");
	return rewrap_create(&s->ctl, &s->ctl.rewrap);
}

static void rewrap_down(struct site *s)
{
	rewrap_destroy(s->ctl.rewrap);
}

static int admin_up(struct site *s, char why[256])
{
	return admin_http_start(&s->ctl, why);
}

static void admin_down(struct site *s)
{
	admin_http_stop(s->ctl.admin);
}

static int telemetry_up(struct site *s, char why[256])
{
	snprintf(why, 256, "DPDK's telemetry takes no commands");
	return metric_telemetry_start(&s->ctl);
}

static void telemetry_down(struct site *s)
{
	metric_telemetry_stop(&s->ctl);
}

// The last rung: from here on nothing is opened that needs a privilege.
static int confine_up(struct site *s, char why[256])
{
	struct dp_conf conf;

	if (!s->conf.is_confined)
		return 0;
	conf_dp_fill(&s->conf, &conf);
	return confine_end(&conf, why);
}

static const struct rung {
	const char *name;
	int (*up)(struct site *s, char why[256]);
	void (*down)(struct site *s);
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

static void ladder_down(struct site *s, size_t from)
{
	while (from-- > 0)
		if (ladder[from].down != NULL)
			ladder[from].down(s);
}

static int ladder_up(struct site *s)
{
	char why[256] = "";

	for (size_t i = 0; i < RUNGS; i++) {
		uint64_t begin_ms = campaign_now_ms();
		int ret = ladder[i].up(s, why);

		log_debug("start-step", "step=%s ms=%" PRIu64, ladder[i].name,
			campaign_now_ms() - begin_ms);
		if (ret == 0)
			continue;
		log_error("start-failed", "step=%s errno=%d why=\"%s\"", ladder[i].name, -ret, why);
		notify_send("STATUS=Start failed at %s: %s\nERRNO=%d", ladder[i].name, why, -ret);
		ladder_down(s, i);
		return ret;
	}
	return 0;
}

// --- Configuration: file, then environment, then flags --------------------------------------

static int flag_apply(struct conf *conf, const char *flag, const char *key, const char *value,
	char why[CONF_WHY_MAX])
{
	char what[CONF_WHY_MAX];

	if (value == NULL || conf_set(conf, key, value, what) == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX, "%s: %.400s", flag, what);
	return -EINVAL;
}

static int wrapping_check(const char *source, char why[CONF_WHY_MAX])
{
	char what[CONF_WHY_MAX];

	if (store_wrapping_check(source, what) == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX, "store.wrapping_key: %.400s", what);
	return -EINVAL;
}

static int conf_read(const struct options *options, struct conf *conf, char why[CONF_WHY_MAX])
{
	bool is_default = options->config == NULL && access(OPTIONS_CONFIG, F_OK) != 0;
	const char *path = options->config == NULL ? OPTIONS_CONFIG : options->config;

	conf_init(conf);
	if ((!is_default && conf_load(conf, path, why) != 0) ||
		wrapping_check(conf->store.wrapping_key, why) != 0 ||
		flag_apply(conf, "--socket", "socket", options->socket, why) != 0 ||
		flag_apply(conf, "--store", "store.dir", options->store, why) != 0 ||
		flag_apply(conf, "--log-level", "log.level", options->log_level, why) != 0 ||
		conf_socket_resolve(conf, options->socket != NULL, why) != 0)
		return -EINVAL;
	return 0;
}

// --- Between up and down --------------------------------------------------------------------

// Signals are taken by the main loop; a peer that closes a pipe is an error code, not a signal.
static int signals_take(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// The configuration is read again as a whole; one that is wrong changes nothing. The files it
// names are read again, too.
static void site_reload(struct site *s)
{
	static struct conf fresh;
	char why[CONF_WHY_MAX];
	int ret;

	atomic_fetch_add(&s->ctl.meters.reloads, 1);
	notify_send("RELOADING=1");
	if (conf_read(&s->options, &fresh, why) == 0) {
		reload_apply(&s->ctl, &s->conf, &fresh);
		if (admin_http_reload(s->ctl.admin, &s->conf, why) != 0)
			log_error("admin-not-reloaded", "why=\"%s\"", why);
		if (ua_reload(s->ctl.ua, &s->conf, why) != 0)
			log_error("ua-not-reloaded", "why=\"%s\"", why);
		ret = audit_reopen(s->ctl.audit);
		if (ret != 0)
			log_error("audit-not-reopened", "errno=%d", -ret);
	} else {
		log_error("reload-failed", "why=\"%s\"", why);
	}
	notify_send("READY=1");
}

// Whether the daemon is to end, by a signal or through its API.
static bool site_is_to_end(struct site *s, const struct pollfd fds[2])
{
	struct signalfd_siginfo signal;

	if (fds[1].revents != 0)
		return true;
	if (fds[0].revents == 0 || read(s->signal_fd, &signal, sizeof(signal)) < 0)
		return false;
	if (signal.ssi_signo != SIGHUP)
		return true;
	site_reload(s);
	return false;
}

static int time_left(uint64_t due_ms)
{
	uint64_t now_ms = ctl_clock_ms();

	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

static void site_serve(struct site *s)
{
	struct pollfd fds[2] = {
		{.fd = s->signal_fd, .events = POLLIN}, {.fd = s->ctl.wake_fd, .events = POLLIN}};

	uint64_t due_ms = ctl_clock_ms() + SETTLE_MS;

	while (poll(fds, 2, time_left(due_ms)) <= 0 || !site_is_to_end(s, fds)) {
		due_ms = ctl_clock_ms() + SETTLE_MS;
		settle_step(&s->ctl);
		pulse_beat(&s->ctl);
		log_suppressed_tell();
	}
}

static int confine_first(struct site *s, char why[256])
{
	struct dp_conf conf;

	if (!s->conf.is_confined && s->conf.user[0] != '\0') {
		snprintf(why, 256, "user: needs confine: true");
		return -EINVAL;
	}
	if (!s->conf.is_confined)
		return 0;
	conf_dp_fill(&s->conf, &conf);
	return confine_begin(&conf, s->conf.admin.group[0] != '\0', s->conf.user, why);
}

static int site_run(struct site *s)
{
	char why[256];

	s->ctl.conf = &s->conf;
	s->ctl.started_ms = (int64_t)campaign_now_ms();
	s->ctl.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->signal_fd = signals_take();
	pthread_mutex_init(&s->ctl.conf_lock, NULL);
	pthread_mutex_init(&s->ctl.dp_lock, NULL);
	pthread_mutex_init(&s->ctl.msk_lock, NULL);
	pthread_mutex_init(&s->ctl.meters.expiry.lock, NULL);
	if (s->ctl.wake_fd < 0 || s->signal_fd < 0) {
		log_error("start-failed", "step=signals errno=%d", errno);
		return EXIT_FAILURE;
	}
	if (confine_first(s, why) != 0) {
		log_error("start-failed", "step=confine why=\"%s\"", why);
		return EXIT_FAILURE;
	}
	memory_lock();
	if (ladder_up(s) != 0)
		return EXIT_FAILURE;
	ready_report(&s->ctl, s->counter.first);
	pulse_begin(&s->ctl, &s->pulse);
	site_serve(s);
	pulse_end(&s->ctl);
	log_info("stopping", "pid=%d", (int)getpid());
	ladder_down(s, RUNGS);
	log_info("stopped", "pid=%d", (int)getpid());
	return s->ctl.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

// --- The program ----------------------------------------------------------------------------

static void default_report(void *arg, const char *key, const char *value)
{
	(void)arg;
	log_warning("conf-default", "key=%s value=\"%s\"", key, value);
}

int main(int argc, char **argv)
{
	static struct site site;
	struct options *options = &site.options;
	int ret = options_read(argc, argv, options);
	char why[CONF_WHY_MAX];

	if (ret != 0)
		return ret > 0 ? EXIT_SUCCESS : EXIT_USAGE;
	if (conf_read(options, &site.conf, why) != 0) {
		fprintf(stderr, "mskpushd: %s\n", why);
		return EXIT_USAGE;
	}
	if (options->only_check) {
		printf("%s: right\n", options->config);
		conf_explain(&site.conf, stdout);
		return EXIT_SUCCESS;
	}
	if (options->only_print) {
		conf_print(&site.conf, stdout);
		return EXIT_SUCCESS;
	}
	log_level_set((enum log_level)site.conf.log.level);
	if (log_target_set((enum log_target)site.conf.log.target, NULL) != 0)
		log_warning("no-journal", "effect=\"the log goes to stderr\"");
	conf_defaults_report(&site.conf, default_report, NULL);
	site.is_clock_accepted = options->is_clock_accepted;
	return site_run(&site);
}
