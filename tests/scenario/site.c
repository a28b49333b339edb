// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "site.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "port.h"
#include "script.h"

#include "ue/mtk.h"
#include "ue/site.h"

#define TRUE_BASE_S 1772323200 // 2026-03-01T00:00:00Z: the true time when a scenario begins
#define BOOTED_BEFORE_NS 1000000000000u // the machine is up for this long by then
#define STEP_NS 1000000u
#define IDLE_STEP_NS 20000000u // when nobody waits for anything
#define TURNS_PER_STEP 8 // of each worker, so that a round takes some time
#define MARK_LEFT_S (COUNTER_MARK_AHEAD_S / 2) // as control does it

static const struct dp_conf conf_initial = {
	.ports = 1,
	.port[0] =
		{
			.name = "port0",
			.device = "net_ring_scenario",
			.mac = {0x02, 0, 0, 0, 0, 0x01},
			.addresses = 1,
			.address[0] = {{{[10] = 0xff, 0xff, 192, 168, 26, 1}}, 120},
			.gateways = 1,
			.gateway[0] = {{[10] = 0xff, 0xff, 192, 168, 26, 254}},
			.mtu = 1500,
			.udp_port = 2269,
			.tx_descriptors = 512,
			.rx_descriptors = 512,
			.mbufs = 2047,
		},
	.memory_mb = 256,
	.file_prefix = "scenario",
	.workers = 1,
	.single_sends = 8,
	.single_wait_ms = {1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000},
	.muk_margin_s = 30,
	.ts_bytes = 4,
	.idi = PEOPLE_FQDN,
	.max_subscribers = 2 * PEOPLE_MAX,
};

int64_t site_true_s(const struct site *s)
{
	return TRUE_BASE_S + (int64_t)(s->ns / 1000000000u);
}

static uint64_t boottime_ns(const struct site *s)
{
	return s->ns + BOOTED_BEFORE_NS - s->booted_ns;
}

static void now_follow(struct site *s)
{
	worker_now_at(&s->shared.counter_start, boottime_ns(s), site_true_s(s) + s->clock_error_s,
		&s->now);
}

static uint32_t true_counter(const struct site *s)
{
	return (uint32_t)(site_true_s(s) - COUNTER_EPOCH);
}

// --- The mark -------------------------------------------------------------------------------

// Control's part: the file is written first, then the workers may use what it allows.
static void mark_follow(struct site *s)
{
	uint32_t highest = shared_counter_highest(&s->shared);
	uint32_t base = s->now.counter > highest ? s->now.counter : highest;

	if (s->is_mark_frozen || (s->mark > base && s->mark - base >= MARK_LEFT_S))
		return;
	s->old_mark = s->mark;
	s->mark = base + COUNTER_MARK_AHEAD_S;
	s->has_mark_file = true;
	atomic_store(&s->shared.mark, s->mark);
}

static void marks_damage(struct site *s, const struct site_restart *how)
{
	if (how->mark == SITE_MARK_LOST)
		s->has_mark_file = false;
	if (how->mark == SITE_MARK_OLD)
		s->mark = s->old_mark - 60;
	s->is_half_damaged = how->mark == SITE_MARK_HALF;
	if (s->is_half_damaged)
		s->mark = s->old_mark;
	s->is_other_machine = how->mark == SITE_MARK_OTHER_MACHINE;
	if (how->is_store_lost)
		s->has_store_mark = false;
}

// --- Start and stop -------------------------------------------------------------------------

static void daemon_start(struct site *s, bool is_clock_accepted)
{
	struct counter_known known = {
		.realtime_s = site_true_s(s) + s->clock_error_s,
		.boottime_s = boottime_ns(s) / 1000000000u,
		.has_store_mark = s->has_store_mark,
		.store_mark = s->store_mark,
		.has_file_mark = s->has_mark_file,
		.file_mark = s->mark,
		.is_other_machine = s->is_other_machine,
		.is_half_damaged = s->is_half_damaged,
		.is_clock_accepted = is_clock_accepted,
	};
	struct dp_counter_start start;
	char why[256] = "";

	s->refusal[0] = '\0';
	if (counter_start(&known, &start, s->refusal) != 0)
		return;
	if (shared_init(&s->shared, &s->conf, &start, why) != 0 ||
		shared_workers_create(&s->shared, s->people.env, why) != 0 ||
		ports_start(&s->shared, why) != 0)
		script_fail("the daemon does not start: %s", why);
	// Nothing at or below `first` is sent, nothing above it before the mark is written.
	s->mark = start.first;
	s->is_other_machine = s->is_half_damaged = false;
	s->is_running = true;
	now_follow(s);
	mark_follow(s);
}

static void daemon_stop(struct site *s)
{
	if (!s->is_running)
		return;
	wire_restart(s);
	for (unsigned p = 0; p < s->shared.ports; p++)
		rte_eth_dev_stop(s->shared.port[p].id);
	shared_fini(&s->shared);
	s->news_count = 0;
	s->is_running = false;
}

void site_restart(struct site *s, const struct site_restart *how)
{
	daemon_stop(s);
	control_crash(s, how->is_store_lost);
	s->ns += (uint64_t)(how->after_s * 1e9);
	s->clock_error_s += how->clock_s;
	if (how->is_reboot)
		s->booted_ns = s->ns + BOOTED_BEFORE_NS - 20000000000u;
	if (how->workers != 0)
		s->conf.workers = how->workers;
	marks_damage(s, how);
	if (how->is_store_lost)
		people_store(&s->people, true);
	daemon_start(s, how->is_clock_accepted);
	if (s->is_running)
		control_resume(s);
}

struct wire_gateway *site_gateway(struct site *s, unsigned port, const char *address)
{
	struct wire_gateway *gateway = &s->wire.gateway[s->wire.gateways];

	if (s->wire.gateways == WIRE_GATEWAYS)
		script_fail("more than %d gateways", WIRE_GATEWAYS);
	*gateway = (struct wire_gateway){
		.port = port, .mac = {0x02, 0, 0, 0, 1, (uint8_t)(s->wire.gateways++ + 2)}};
	if (!ue_address_parse(strchr(address, ':') != NULL ? &gateway->address6 : &gateway->address,
		    address, strlen(address)))
		script_fail("'%s' is no address", address);
	return gateway;
}

static void eal_start(struct site *s)
{
	char file_prefix[64], lcores[32];
	char *args[] = {(char *)"scenario", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-m", (char *)"256", (char *)"--no-telemetry",
		(char *)"--log-level=warning", file_prefix, lcores};
	cpu_set_t before;

	snprintf(s->run_dir, sizeof(s->run_dir), "/tmp/mskpush-scn-XXXXXX");
	if (mkdtemp(s->run_dir) == NULL)
		script_fail("no directory for DPDK under /tmp");
	setenv("RUNTIME_DIRECTORY", s->run_dir, 1);
	snprintf(file_prefix, sizeof(file_prefix), "--file-prefix=scn%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", sched_getcpu());
	// EAL ties the thread to one CPU; two scenarios may run at once.
	sched_getaffinity(0, sizeof(before), &before);
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		script_fail("DPDK does not start");
	s->has_eal = true;
	sched_setaffinity(0, sizeof(before), &before);
}

void site_init(struct site *s)
{
	memset(s, 0, sizeof(*s));
	s->conf = conf_initial;
	s->seed = 1;
	// As if the daemon had run until five seconds ago.
	s->mark = s->store_mark = true_counter(s) - 5;
	s->has_mark_file = s->has_store_mark = true;
	site_gateway(s, 0, "192.168.26.254");
	eal_start(s);
	control_init(&s->control);
}

void site_build(struct site *s)
{
	struct ue_conf phones = {
		.fqdn = PEOPLE_FQDN,
		.gateway = ue_address_v4(s->conf.port[0].gateway[0].byte + 12),
		.mac = {0x02, 0, 0, 0, 0, 0x02},
		.ts_bytes = 4,
		.seed = s->seed,
		.vlans = s->conf.port[0].vlans,
		.vlan = {s->conf.port[0].vlan[0], s->conf.port[0].vlan[1]},
	};

	if (s->is_built)
		return;
	if (s->people.n == 0)
		script_fail("a scenario begins with phones");
	s->is_built = true;
	wire_init(&s->wire, &phones, s->conf.ports);
	s->wire.phones->mtk.group_count =
		ue_mtk_groups_parse(s->wire.phones->mtk.groups, "232.1.1.1:5004,[ff3e::1]:5004");
	monitor_init(&s->monitor, s->people.n);
	people_store(&s->people, false);
	people_phones(&s->people, s->wire.phones);
	daemon_start(s, false);
}

void site_fini(struct site *s)
{
	daemon_stop(s);
	control_fini(&s->control);
	if (s->is_built) {
		wire_fini(&s->wire);
		monitor_fini(&s->monitor);
	}
	people_fini(&s->people);
	free(s->fetched);
	if (s->has_eal)
		rte_eal_cleanup();
}

// --- Time -----------------------------------------------------------------------------------

// Copies of keys live for one turn.
static void keys_are_forgotten(const struct worker *w)
{
	const uint8_t *sent = (const uint8_t *)w->burst.room;
	const uint8_t *received = (const uint8_t *)w->intake.room;

	for (size_t i = 0; i < sizeof(w->burst.room); i++)
		if (sent[i] != 0 || received[i] != 0)
			script_fail("a key is left in a burst that is over");
}

// One worker takes its commands, then all have a turn: the others still know nothing of what it
// was told, as it is with threads.
static unsigned site_turn(struct site *s)
{
	unsigned n = s->shared.workers, first = s->turns++, moved = 0;

	worker_commands(s->shared.worker[first % n], &s->now);
	for (unsigned i = 0; i < n; i++) {
		moved += worker_turn(s->shared.worker[(first + i) % n], &s->now);
		keys_are_forgotten(s->shared.worker[(first + i) % n]);
	}
	return moved + wire_carry(s);
}

static void site_step(struct site *s, uint64_t ns)
{
	s->ns += ns;
	if (!s->is_running)
		return;
	now_follow(s);
	mark_follow(s);
	ports_look(&s->shared, s->now.ns);
	for (unsigned i = 0, idle = 0; i < TURNS_PER_STEP && idle < s->shared.workers; i++)
		idle = site_turn(s) == 0 ? idle + 1 : 0;
	if (s->monitor.solicits > 0)
		fetch_step(s);
	if (s->ns >= s->control.settled_ns + 100000000u) {
		control_settle(s);
		s->has_store_mark = true;
		s->store_mark = s->mark;
	}
}

static uint64_t step_ns(const struct site *s)
{
	bool is_idle = control_open(&s->control) == 0 && wire_is_empty(&s->wire) &&
		atomic_load(&s->shared.singles) == 0;

	return is_idle ? IDLE_STEP_NS : STEP_NS;
}

void site_advance(struct site *s, uint64_t ns)
{
	uint64_t end = s->ns + ns;

	while (s->ns < end) {
		uint64_t step = step_ns(s);

		site_step(s, s->ns + step < end ? step : end - s->ns);
	}
}

void site_settle(struct site *s, uint64_t ns)
{
	uint64_t end = s->ns + ns;

	while (s->ns < end && control_open(&s->control) != 0)
		site_step(s, STEP_NS);
}

// --- News of the store ----------------------------------------------------------------------

static void news_send(struct site *s, const struct dp_cmd *cmd)
{
	if (shared_command(&s->shared, cmd) != 0)
		script_fail("a worker takes no command");
}

static void news_tell(struct site *s, struct dp_cmd cmd)
{
	cmd.version = fake_store_version(s->people.env);
	if (!s->is_news_late) {
		news_send(s, &cmd);
		return;
	}
	if (s->news_count == SITE_NEWS_MAX)
		script_fail("more than %u news are late", SITE_NEWS_MAX);
	s->news[s->news_count++] = cmd;
}

void site_changed(struct site *s, unsigned person)
{
	uint32_t id = s->people.person[person].id;

	news_tell(s, (struct dp_cmd){.kind = DP_CMD_STORE_CHANGED, .first = id, .n = 1});
}

void site_changed_all(struct site *s)
{
	news_tell(s, (struct dp_cmd){.kind = DP_CMD_STORE_CHANGED, .n = people_span(&s->people)});
}

void site_commit(struct site *s)
{
	fake_store_commit(s->people.env);
	news_tell(s, (struct dp_cmd){.kind = DP_CMD_STORE_KNOWN});
}

void site_look(struct site *s)
{
	news_tell(s, (struct dp_cmd){.kind = DP_CMD_STORE_CHANGED});
}

void site_news(struct site *s)
{
	s->is_news_late = false;
	for (unsigned i = 0; i < s->news_count; i++)
		news_send(s, &s->news[i]);
	s->news_count = 0;
}
