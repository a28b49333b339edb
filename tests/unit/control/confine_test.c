// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a process that has confined itself can no longer do. Each test is a child, which is confined
// for good.

#include "test.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "dp.h"

#define DONE 17
#define CHECK(is_so)                                                           \
	do {                                                                   \
		if (!(is_so)) {                                                \
			dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #is_so); \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static struct dp_conf conf_of(const char *device)
{
	struct dp_conf conf = {.ports = 1};

	conf.port[0].device = device;
	return conf;
}

// A thread that was there before the process was confined.
struct early {
	pthread_t thread;
	int wake[2];
};

static void *calls_try(void *arg)
{
	static char *const argv[] = {(char *)"/bin/true", NULL};
	struct early *early = arg;
	struct timeval now;
	char octet;

	CHECK(read(early->wake[0], &octet, 1) == 1);
	CHECK(execve(argv[0], argv, argv + 1) != 0 && errno == EPERM);
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 && errno == EPERM);
	CHECK(mount("none", "/mnt", "tmpfs", 0, NULL) != 0 && errno == EPERM);
	CHECK(unshare(CLONE_NEWNS) != 0 && errno == EPERM);
	CHECK(setuid(0) != 0 && errno == EPERM);
	gettimeofday(&now, NULL);
	CHECK(settimeofday(&now, NULL) != 0 && errno == EPERM);
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void what_it_needs_goes_on(void)
{
	pthread_t thread;
	int fd = open("/proc/self/status", O_RDONLY);
	char text[16];

	CHECK(fd >= 0 && read(fd, text, sizeof(text)) > 0);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	close(fd);
	CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

static void child_forbidden_calls(void)
{
	struct dp_conf conf = conf_of("net_vhost0,iface=/x");
	struct early early;
	char why[256];

	CHECK(pipe(early.wake) == 0);
	CHECK(confine_begin(&conf, false, "", why) == 0);
	CHECK(pthread_create(&early.thread, NULL, calls_try, &early) == 0);
	CHECK(confine_end(&conf, why) == 0);
	CHECK(write(early.wake[1], "", 1) == 1);
	CHECK(pthread_join(early.thread, NULL) == 0);
	what_it_needs_goes_on();
}

static void child_dumps(void)
{
	struct dp_conf conf = conf_of("net_null0");
	struct rlimit limit;
	char why[256], filter[32] = "";
	int fd;

	CHECK(confine_begin(&conf, false, "", why) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0);
	fd = open("/proc/self/coredump_filter", O_RDONLY);
	CHECK(fd < 0 || read(fd, filter, sizeof(filter) - 1) > 0);
	CHECK(fd < 0 || strtoul(filter, NULL, 16) == 0x10);
	CHECK(confine_end(&conf, why) == 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static bool had(unsigned capability)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_PERMITTED, capability) != 0;
}

static void capabilities_of(const char *device, unsigned kept, unsigned dropped)
{
	struct dp_conf conf = conf_of(device);
	bool is_kept = had(kept);
	char why[256];

	CHECK(confine_begin(&conf, false, "", why) == 0);
	CHECK(had(kept) == is_kept);
	CHECK(!had(dropped) && !had(CAP_SETUID) && !had(CAP_DAC_OVERRIDE));
	CHECK(capng_have_capability(CAPNG_EFFECTIVE, dropped) == 0);
}

static void child_group_of_the_socket(void)
{
	struct dp_conf conf = conf_of("net_null0");
	bool is_kept = had(CAP_CHOWN);
	char why[256];

	CHECK(confine_begin(&conf, true, "", why) == 0);
	CHECK(had(CAP_CHOWN) == is_kept && !had(CAP_DAC_OVERRIDE));
	CHECK(confine_begin(&conf, false, "", why) == 0);
	CHECK(!had(CAP_CHOWN));
}

static void child_virtual_port(void)
{
	capabilities_of("net_vhost0,iface=/x", CAP_IPC_LOCK, CAP_NET_RAW);
}

static void child_kernel_port(void)
{
	capabilities_of("net_af_packet0,iface=lo", CAP_NET_RAW, CAP_SYS_ADMIN);
}

static void child_account(void)
{
	struct dp_conf conf = conf_of("net_af_packet0,iface=lo");
	const struct passwd *account = getpwnam("nobody");
	gid_t groups[64];
	char why[256];

	CHECK(account != NULL);
	CHECK(confine_begin(&conf, false, "nobody of this name", why) == -ENOENT);
	CHECK(confine_begin(&conf, false, "nobody", why) == 0);
	CHECK(getuid() == account->pw_uid && geteuid() == account->pw_uid);
	CHECK(getgid() == account->pw_gid && getegid() == account->pw_gid);
	for (int n = getgroups(64, groups); n > 0; n--)
		CHECK(groups[n - 1] != 0);
	CHECK(had(CAP_NET_RAW) && had(CAP_IPC_LOCK));
	CHECK(capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) != 0);
	CHECK(!had(CAP_SETUID) && !had(CAP_SETPCAP) && !had(CAP_DAC_OVERRIDE));
	CHECK(setuid(0) != 0);
	CHECK(confine_begin(&conf, false, "root", why) == -EPERM);
	CHECK(confine_begin(&conf, false, "nobody", why) == 0);
}

static void run(void (*child)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		child();
		_exit(DONE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), DONE);
}

static void forbidden_calls_fail_in_all_threads(void **state)
{
	(void)state;
	run(child_forbidden_calls);
}

static void nothing_can_be_dumped(void **state)
{
	(void)state;
	run(child_dumps);
}

static void capabilities_are_those_of_the_devices(void **state)
{
	(void)state;
	run(child_virtual_port);
	run(child_kernel_port);
}

static void the_socket_may_go_to_a_group(void **state)
{
	(void)state;
	run(child_group_of_the_socket);
}

static void root_becomes_the_account(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run(child_account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_fail_in_all_threads),
		cmocka_unit_test(nothing_can_be_dumped),
		cmocka_unit_test(capabilities_are_those_of_the_devices),
		cmocka_unit_test(the_socket_may_go_to_a_group),
		cmocka_unit_test(root_becomes_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
