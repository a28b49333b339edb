// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counter_mark.h"
#include "sim.h"
#include "writer_thread.h"

#define STORE_BYTES (2u << 20)
#define SUBSCRIBERS_MAX (2 * CROWD_MAX)

static const struct dp_conf dp_conf_initial = {
	.ports = 1,
	.port[0] =
		{
			.name = "port0",
			.device = AIR_DEVICE,
			.mac = {0x02, 0, 0, 0, 0, 0x01},
			.addresses = 1,
			.address[0] = {{{[10] = 0xff, 0xff, 192, 168, 26, 1}}, 120},
			.gateways = 1,
			.gateway[0] = {{[10] = 0xff, 0xff, 192, 168, 26, 254}},
			.mtu = 1500,
			.udp_port = 2269,
			.tx_descriptors = 512,
			.rx_descriptors = 512,
			.mbufs = 1023,
		},
	.memory_mb = 256,
	.file_prefix = "simulation",
	.single_sends = 8,
	.single_wait_ms = {1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000},
	.muk_margin_s = 30,
	.ts_bytes = 4,
	.idi = BMSC_FQDN,
	.max_subscribers = SUBSCRIBERS_MAX,
};

struct store_group_id bmsc_group(unsigned group)
{
	return (struct store_group_id){{0x00, 0xf1, 0x10}, (uint16_t)(group + 1)};
}

// A wrapped store now and then: its key lies beside it.
static void wrapping_choose(struct sim *s)
{
	char path[STORAGE_PATH], key[64];
	int fd;

	if (!sim_chance(s, 40))
		return;
	for (int i = 0; i < 64; i++)
		key[i] = "0123456789abcdef"[sim_draw(s, 16)];
	storage_path(&s->storage, "key", path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, key, 64) != 64 || close(fd) != 0)
		abort();
	snprintf(s->bmsc.conf.store.wrapping_key, sizeof(s->bmsc.conf.store.wrapping_key),
		"file:%.150s", path);
}

// Areas of the product, each with a rate, are a quarter of the crowd's addresses each.
static void areas_choose(struct sim *s)
{
	struct bmsc *b = &s->bmsc;

	if (!sim_chance(s, 10))
		return;
	b->conf.areas = b->dp_conf.areas = CROWD_AREAS - 1;
	for (unsigned i = 0; i < b->dp_conf.areas; i++) {
		struct dp_area_conf *area = &b->dp_conf.area[i];
		struct ue_address address = crowd_area_address(i);

		area->name = b->conf.area[i].name;
		snprintf(b->conf.area[i].name, sizeof(b->conf.area[i].name), "area%u", i);
		area->rate = sim_chance(s, 50) ? 20 + sim_draw(s, 200) : 0;
		b->conf.area[i].rate = area->rate;
		area->prefixes = 1;
		memcpy(area->prefix[0].addr.byte, address.octets, sizeof(address.octets));
		area->prefix[0].len = 112;
	}
}

void bmsc_init(struct sim *s)
{
	struct bmsc *b = &s->bmsc;

	memset(b, 0, sizeof(*b));
	conf_init(&b->conf);
	b->conf.workers.count = 1 + sim_draw(s, 3);
	b->conf.store.map_bytes = STORE_BYTES;
	b->conf.store.map_max_bytes = 16 * STORE_BYTES;
	b->conf.store.max_subscribers = SUBSCRIBERS_MAX;
	snprintf(b->conf.fqdn, sizeof(b->conf.fqdn), BMSC_FQDN);
	b->dp_conf = dp_conf_initial;
	b->dp_conf.workers = (unsigned)b->conf.workers.count;
	b->conf.muk_margin_s = b->dp_conf.muk_margin_s;
	b->conf.governor.target_percent = 0; // there is no Ua that it could look at
	b->groups = 1 + sim_draw(s, BMSC_GROUPS);
	for (unsigned g = 0; g < b->groups; g++)
		b->profile[g] = sim_chance(s, 25) ? STORE_PROFILE_V600 : STORE_PROFILE_TS33246;
	wrapping_choose(s);
	areas_choose(s);
}

static int store_up(struct sim *s)
{
	struct bmsc *b = &s->bmsc;
	struct store_env_conf conf = {
		.dir = b->conf.store.dir,
		.map_bytes = b->conf.store.map_bytes,
		.map_max_bytes = b->conf.store.map_max_bytes,
		.max_readers = 32,
		.wrapping_key = b->conf.store.wrapping_key,
	};

	snprintf(b->conf.store.dir, sizeof(b->conf.store.dir), "%s/store", s->storage.root);
	return store_env_open(&conf, &b->ctl.env, b->refusal);
}

static int dataplane_up(struct bmsc *b, const struct dp_counter_start *start)
{
	int ret;

	b->dp = calloc(1, sizeof(*b->dp));
	if (b->dp == NULL)
		return -1;
	b->dp->conf = b->dp_conf;
	ret = dp_begin(b->dp, b->ctl.env, start, b->refusal);
	if (ret != 0) {
		free(b->dp);
		b->dp = NULL;
	}
	b->ctl.dp = b->dp;
	return ret;
}

static void all_down(struct bmsc *b)
{
	writer_destroy(b->ctl.writer);
	campaigns_destroy(b->ctl.campaigns);
	counter_mark_close(b->mark);
	store_env_close(b->ctl.env);
	b->ctl.env = NULL;
	b->mark = NULL;
	b->is_up = false;
}

bool bmsc_start(struct sim *s)
{
	struct bmsc *b = &s->bmsc;
	struct dp_counter_start start;
	int ret;

	memset(&b->ctl, 0, sizeof(b->ctl));
	b->ctl.conf = &b->conf;
	b->ctl.started_ms = (int64_t)campaign_now_ms();
	pthread_mutex_init(&b->ctl.conf_lock, NULL);
	pthread_mutex_init(&b->ctl.dp_lock, NULL);
	pthread_mutex_init(&b->ctl.msk_lock, NULL);
	pthread_mutex_init(&b->ctl.meters.expiry.lock, NULL);
	b->refusal[0] = '\0';
	b->mark = NULL;
	ret = store_up(s);
	if (ret == 0)
		ret = counter_mark_open(b->ctl.env, b->conf.store.dir, b->is_clock_accepted,
			&b->mark, &start, b->refusal);
	if (ret == 0)
		ret = campaigns_create(&b->ctl, &b->ctl.campaigns);
	if (ret == 0)
		ret = writer_create_by_hand(&b->ctl, b->mark, &b->ctl.writer);
	if (ret == 0)
		ret = air_port_make(&s->air);
	if (ret == 0)
		ret = dataplane_up(b, &start);
	if (ret == 0)
		ret = campaigns_resume(&b->ctl);
	b->is_up = ret == 0;
	if (ret != 0)
		all_down(b);
	else
		sim_note(s, "up first=%u", start.first);
	return ret == 0;
}

void bmsc_stop(struct sim *s, bool is_clean)
{
	struct bmsc *b = &s->bmsc;
	struct dp *dp = b->dp;

	if (!b->is_up)
		return;
	// Phones are not served any more, but who waits for a commit gets an answer.
	while (is_clean && writer_waiting(b->ctl.writer) > 0)
		writer_turn(b->ctl.writer);
	if (is_clean)
		settle_step(&b->ctl);
	b->ctl.dp = NULL;
	air_empty(&s->air);
	dp_end(dp);
	air_port_forget(&s->air);
	free(dp);
	b->dp = NULL;
	if (is_clean) {
		settle_finish(&b->ctl);
		ctl_writer_commit(&b->ctl);
	}
	all_down(b);
}

static int found_job(struct store_txn *txn, void *arg)
{
	struct sim *s = arg;
	struct bmsc *b = &s->bmsc;
	int ret = 0;

	for (unsigned g = 0; g < b->groups && ret == 0; g++) {
		struct store_group group = {
			.id = bmsc_group(g), .profile = b->profile[g], .created = 1};
		struct store_service service = {.group_count = 1, .group = {group.id}};

		snprintf(service.name, sizeof(service.name), "urn:service:%u", g);
		ret = store_group_put(txn, &group);
		if (ret == 0)
			ret = store_service_put(txn, &service);
		b->service[g] = service.id;
	}
	return ret;
}

void bmsc_found(struct sim *s)
{
	if (ctl_writer_run(&s->bmsc.ctl, found_job, s) != 0)
		sim_violate(s, "a new store takes no groups");
}

unsigned bmsc_turn(struct sim *s)
{
	struct dp_shared *shared = &s->bmsc.dp->shared;
	unsigned n = shared->workers, first = s->bmsc.turns++, moved = 0;
	struct dp_now now;

	worker_now(shared, &now);
	for (unsigned i = 0; i < n; i++) {
		struct worker *w = shared->worker[(first + i) % n];

		// Others have the CPU.
		if (!s->is_calm && sim_chance(s, 10))
			continue;
		if (s->is_calm || sim_chance(s, 80))
			worker_commands(w, &now);
		moved += worker_turn(w, &now);
	}
	return moved;
}
