// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpushd: reads its configuration, brings its parts up, settles until it is told to end, and
// takes them down again.

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "admin_http.h"
#include "audit.h"
#include "campaign.h"
#include "daemon.h"
#include "log.h"
#include "notify.h"
#include "options.h"
#include "pulse.h"
#include "ready.h"
#include "reload.h"
#include "ua.h"

#define EXIT_USAGE 2

struct program {
	struct options options;
	struct daemon daemon;
	struct pulse pulse;
	int signal_fd;
};

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
static void program_reload(struct program *p)
{
	static struct conf fresh;
	char why[CONF_WHY_MAX];
	int ret;

	atomic_fetch_add(&p->daemon.ctl.meters.reloads, 1);
	notify_send("RELOADING=1");
	if (conf_read(&p->options, &fresh, why) == 0) {
		reload_apply(&p->daemon.ctl, &p->daemon.conf, &fresh);
		if (admin_http_reload(p->daemon.ctl.admin, &p->daemon.conf, why) != 0)
			log_error("admin-not-reloaded", "why=\"%s\"", why);
		if (ua_reload(p->daemon.ctl.ua, &p->daemon.conf, why) != 0)
			log_error("ua-not-reloaded", "why=\"%s\"", why);
		ret = audit_reopen(p->daemon.ctl.audit);
		if (ret != 0)
			log_error("audit-not-reopened", "errno=%d", -ret);
	} else {
		log_error("reload-failed", "why=\"%s\"", why);
	}
	notify_send("READY=1");
}

// Whether the daemon is to end, by a signal or through its API.
static bool program_is_to_end(struct program *p, const struct pollfd fds[2])
{
	struct signalfd_siginfo signal;

	if (fds[1].revents != 0)
		return true;
	if (fds[0].revents == 0 || read(p->signal_fd, &signal, sizeof(signal)) < 0)
		return false;
	if (signal.ssi_signo != SIGHUP)
		return true;
	program_reload(p);
	return false;
}

static int time_left(uint64_t due_ms)
{
	uint64_t now_ms = ctl_clock_ms();

	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

static void program_serve(struct program *p)
{
	struct pollfd fds[2] = {{.fd = p->signal_fd, .events = POLLIN},
		{.fd = p->daemon.ctl.wake_fd, .events = POLLIN}};

	uint64_t due_ms = ctl_clock_ms() + SETTLE_MS;

	while (poll(fds, 2, time_left(due_ms)) <= 0 || !program_is_to_end(p, fds)) {
		due_ms = ctl_clock_ms() + SETTLE_MS;
		settle_step(&p->daemon.ctl);
		pulse_beat(&p->daemon.ctl);
		log_suppressed_tell();
	}
}

static int program_run(struct program *p)
{
	struct ctl *ctl = &p->daemon.ctl;

	p->signal_fd = signals_take();
	if (p->signal_fd < 0) {
		log_error("start-failed", "step=signals errno=%d", errno);
		return EXIT_FAILURE;
	}
	if (daemon_up(&p->daemon) != 0)
		return EXIT_FAILURE;
	ready_report(ctl, p->daemon.counter.first);
	pulse_begin(ctl, &p->pulse);
	program_serve(p);
	pulse_end(ctl);
	log_info("stopping", "pid=%d", (int)getpid());
	daemon_down(&p->daemon);
	log_info("stopped", "pid=%d", (int)getpid());
	return ctl->has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

// --- The program ----------------------------------------------------------------------------

static void default_report(void *arg, const char *key, const char *value)
{
	(void)arg;
	log_warning("conf-default", "key=%s value=\"%s\"", key, value);
}

// Whether all of what was asked for has been written.
static int output_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fprintf(stderr, "mskpushd: standard output takes no more\n");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct program program;
	struct options *options = &program.options;
	int ret = options_read(argc, argv, options);
	char why[CONF_WHY_MAX];

	if (ret != 0)
		return ret > 0 ? output_end() : EXIT_USAGE;
	if (conf_read(options, &program.daemon.conf, why) != 0) {
		fprintf(stderr, "mskpushd: %s\n", why);
		return EXIT_USAGE;
	}
	if (options->only_check) {
		printf("%s: right\n", options->config);
		conf_explain(&program.daemon.conf, stdout);
		return output_end();
	}
	if (options->only_print) {
		conf_print(&program.daemon.conf, stdout);
		return output_end();
	}
	log_level_set((enum log_level)program.daemon.conf.log.level);
	if (log_target_set((enum log_target)program.daemon.conf.log.target, NULL) != 0)
		log_warning("no-journal", "effect=\"the log goes to stderr\"");
	conf_defaults_report(&program.daemon.conf, default_report, NULL);
	program.daemon.is_clock_accepted = options->is_clock_accepted;
	return program_run(&program);
}
