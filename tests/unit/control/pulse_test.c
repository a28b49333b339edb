// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager.h"
#include "pulse.h"
#include "site.h"
#include "test.h"

#define WATCHDOG_US 8000000

struct patient {
	struct site *site;
	struct pulse pulse;
	int manager;
	uint64_t now_us;
};
static struct patient p;

// A daemon that has just become ready; its workers have turned once.
static int serve(void **state)
{
	char name[64];

	site_up(state);
	p = (struct patient){.site = *state, .now_us = 1000000};
	snprintf(name, sizeof(name), "@mskpush-pulse-%d", (int)getpid());
	p.manager = manager_listen(name);
	setenv("WATCHDOG_USEC", "8000000", 1);
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int leave(void **state)
{
	close(p.manager);
	return site_down(state);
}

static void workers_turn(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p.site->dp->turns[i]++;
}

// Lets a step of time pass; returns how often the watchdog was fed.
static unsigned beat(uint64_t step_us)
{
	unsigned fed = 0;
	const char *text;

	p.now_us += step_us;
	pulse_beat_at(&p.site->ctl, p.now_us);
	while (*(text = manager_heard(p.manager)) != '\0')
		fed += strcmp(text, "WATCHDOG=1") == 0;
	return fed;
}

static void manager_hears_that_it_serves_and_that_it_stops(void **state)
{
	(void)state;
	pulse_begin(&p.site->ctl, &p.pulse);
	assert_string_equal(
		manager_heard(p.manager), "READY=1\nSTATUS=Serving, no campaign is open");
	pulse_end(&p.site->ctl);
	assert_string_equal(manager_heard(p.manager), "STOPPING=1\nSTATUS=Stopping");
	p.now_us += 3000000;
	pulse_beat_at(&p.site->ctl, p.now_us);
	assert_string_equal(manager_heard(p.manager), "EXTEND_TIMEOUT_USEC=60000000");
}

static void watchdog_is_fed_in_time_while_all_workers_turn(void **state)
{
	unsigned fed = 0;

	(void)state;
	pulse_begin(&p.site->ctl, &p.pulse);
	for (int i = 0; i < 160; i++) {
		workers_turn(2);
		fed += beat(100000);
	}
	// 16 s: at least twice in each interval of 8 s, and not with every beat.
	assert_in_range(fed, 4, 16);
}

static void watchdog_starves_when_one_worker_stands_still(void **state)
{
	unsigned fed = 0;

	(void)state;
	pulse_begin(&p.site->ctl, &p.pulse);
	workers_turn(2);
	assert_int_equal(beat(100000), 1);
	for (int i = 0; i < 200; i++) {
		workers_turn(1);
		fed += beat(100000);
	}
	assert_int_equal(fed, 0);
	workers_turn(2);
	assert_int_equal(beat(WATCHDOG_US), 1);
}

static void status_line_names_ports_that_do_not_work(void **state)
{
	struct dp_port_status *port = p.site->dp->status.port;

	(void)state;
	p.site->dp->status.ports = 2;
	snprintf(port[1].name, sizeof(port[1].name), "port1");
	port[0].is_stuck = 1;
	pulse_begin(&p.site->ctl, &p.pulse);
	assert_string_equal(manager_heard(p.manager),
		"READY=1\nSTATUS=Serving, no campaign is open; port port0 is stuck; port port1 is "
		"down");
}

static void nobody_is_told_anything_without_a_manager(void **state)
{
	(void)state;
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	pulse_begin(&p.site->ctl, &p.pulse);
	workers_turn(2);
	assert_int_equal(beat(WATCHDOG_US), 0);
	p.site->ctl.pulse = NULL;
	pulse_beat(&p.site->ctl);
}

static void status_line_tells_of_open_campaigns(void **state)
{
	struct dp_campaign *c;

	(void)state;
	site_subscribers(p.site, 4);
	pulse_begin(&p.site->ctl, &p.pulse);
	manager_heard(p.manager);
	site_push(p.site, 2);
	c = fake_dp_opened(p.site->dp, 0);
	fake_dp_sent(c, 1, 1);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	settle_step(&p.site->ctl);
	p.pulse.watchdog_us = 0;
	p.now_us += 3000000;
	pulse_beat_at(&p.site->ctl, p.now_us);
	assert_string_equal(
		manager_heard(p.manager), "STATUS=1 campaign open: 1 of 4 members verified");
	// What has not changed is not told again.
	p.now_us += 3000000;
	pulse_beat_at(&p.site->ctl, p.now_us);
	assert_string_equal(manager_heard(p.manager), "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, serve, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(manager_hears_that_it_serves_and_that_it_stops),
		T(watchdog_is_fed_in_time_while_all_workers_turn),
		T(watchdog_starves_when_one_worker_stands_still),
		T(nobody_is_told_anything_without_a_manager),
		T(status_line_tells_of_open_campaigns),
		T(status_line_names_ports_that_do_not_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
