// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager.h"
#include "notify.h"
#include "test.h"

static void without_a_manager_nothing_is_sent(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_false(notify_is_wanted());
	assert_int_equal(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	assert_false(notify_is_wanted());
	setenv("NOTIFY_SOCKET", "", 1);
	assert_false(notify_is_wanted());
}

static void message_arrives_at_a_path_and_at_an_abstract_name(void **state)
{
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/mskpush-notify-%d", (int)getpid());
	fd = manager_listen(path);
	assert_int_equal(notify_send("READY=1\nSTATUS=%d of %s", 7, "ten"), 0);
	assert_string_equal(manager_heard(fd), "READY=1\nSTATUS=7 of ten");
	close(fd);
	unlink(path);
	path[0] = '@';
	fd = manager_listen(path);
	assert_int_equal(notify_send("STOPPING=1"), 0);
	assert_string_equal(manager_heard(fd), "STOPPING=1");
	close(fd);
}

static void manager_that_is_gone_or_never_reads_is_not_waited_for(void **state)
{
	char path[200];
	int fd, ret = 0;

	(void)state;
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(notify_send("READY=1"), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_send("READY=1"), -ENAMETOOLONG);
	snprintf(path, sizeof(path), "@mskpush-notify-deaf-%d", (int)getpid());
	fd = manager_listen(path);
	for (int i = 0; i < 100000 && ret == 0; i++)
		ret = notify_send("WATCHDOG=1");
	assert_int_equal(ret, -EAGAIN);
	close(fd);
}

static void watchdog_is_that_of_this_process(void **state)
{
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_us(), 30000000);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_us(), 30000000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_us(), 0);
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "30s", 1);
	assert_int_equal(notify_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "-5", 1);
	assert_int_equal(notify_watchdog_us(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_manager_nothing_is_sent),
		cmocka_unit_test(message_arrives_at_a_path_and_at_an_abstract_name),
		cmocka_unit_test(manager_that_is_gone_or_never_reads_is_not_waited_for),
		cmocka_unit_test(watchdog_is_that_of_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
