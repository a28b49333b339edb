// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "site.h"

#include <errno.h>
#include <stdlib.h>

#include "frame.h"
#include "habits.h"

// Frames under way; above this ue_site_room() says that there is no room.
#define UNDER_WAY_MAX 262144
#define RATE_US 1000000

int ue_site_create(struct ue_site **out, const struct ue_conf *conf)
{
	struct ue_site *site = calloc(1, sizeof(*site));

	if (site == NULL)
		return -ENOMEM;
	site->fqdn = strdup(conf->fqdn);
	if (site->fqdn == NULL || ue_phones_init(&site->phones) != 0) {
		free(site->fqdn);
		free(site);
		return -ENOMEM;
	}
	site->receiver = (struct ue_receiver){
		.phones = &site->phones,
		.fqdn = {(const uint8_t *)site->fqdn, (uint16_t)strlen(site->fqdn)},
		.ts_bytes = conf->ts_bytes,
	};
	site->gateway = conf->gateway;
	site->gateway6 = conf->gateway6;
	site->seed = conf->seed;
	memcpy(site->station.mac, conf->mac, sizeof(site->station.mac));
	site->station.vlans = conf->vlans;
	memcpy(site->station.vlan, conf->vlan, sizeof(site->station.vlan));
	ue_wire_init(&site->wire, &conf->impairment, conf->seed);
	// Another sequence than the wire's and that of Ua, which have the same seed.
	ue_rng_init(&site->habits_rng, conf->seed ^ 0x68616269);
	ue_rng_init(&site->mtk.rng, conf->seed ^ 0x6d746b);
	*out = site;
	return 0;
}

void ue_site_destroy(struct ue_site *site)
{
	if (site == NULL)
		return;
	ue_wire_fini(&site->wire);
	ue_mtk_fini(&site->mtk);
	ue_series_fini(&site->series);
	ue_phones_fini(&site->phones);
	free(site->fqdn);
	free(site);
}

struct ue_phones *ue_site_phones(struct ue_site *site)
{
	return &site->phones;
}

void ue_site_tap(struct ue_site *site, ue_tap *tap, void *arg)
{
	site->tap = tap;
	site->tap_arg = arg;
}

void ue_site_see(struct ue_site *site, enum ue_direction direction, const uint8_t *data, size_t len,
	const struct ue_now *now)
{
	site->counts[direction == UE_IN ? UE_COUNT_RECEIVED : UE_COUNT_SENT]++;
	if (site->tap != NULL)
		site->tap(site->tap_arg, direction, data, len, now->wall);
}

// Draws what the wire does to a frame and puts on its way what does not arrive at once. True
// when the frame itself does.
static bool frame_carry(struct ue_site *site, enum ue_direction direction, const uint8_t *data,
	size_t len, int64_t mono)
{
	struct ue_fate fate = ue_wire_draw(&site->wire);
	bool is_at_once = false;

	if (fate.copies == 0)
		site->counts[direction == UE_IN ? UE_COUNT_LOST_IN : UE_COUNT_LOST_OUT]++;
	site->counts[UE_COUNT_DUPLICATED] += fate.copies == 2;
	site->counts[UE_COUNT_REORDERED] += fate.is_reordered;
	for (unsigned i = 0; i < fate.copies; i++) {
		if (i == 0 && fate.delay_us[i] == 0)
			is_at_once = true;
		else if (ue_wire_put(&site->wire, direction, mono + fate.delay_us[i], data, len))
			site->refused[UE_NO_MEMORY]++;
	}
	return is_at_once;
}

static void rate_tick(struct ue_site *site, int64_t mono)
{
	int64_t elapsed = mono - site->rate_since;

	if (elapsed < RATE_US)
		return;
	site->rate =
		(double)(site->counts[UE_COUNT_RECEIVED] - site->rate_base) * 1e6 / (double)elapsed;
	site->rate_base = site->counts[UE_COUNT_RECEIVED];
	site->rate_since = mono;
}

void ue_site_totals(const struct ue_site *site, uint64_t totals[UE_SERIES_COUNT])
{
	struct ue_ua_totals ua = {.served = 0};

	if (site->ua != NULL)
		ua = ue_ua_totals(site->ua);
	totals[UE_SERIES_PUSHES] = site->counts[UE_COUNT_MSK];
	totals[UE_SERIES_SOLICITS] = site->counts[UE_COUNT_SOLICIT];
	totals[UE_SERIES_PULLS] = ua.served;
	totals[UE_SERIES_SHED] = ua.shed;
	totals[UE_SERIES_BOOTSTRAPS] = ua.bootstraps;
	totals[UE_SERIES_MISSED] = ua.missed;
	totals[UE_SERIES_MTKS] = site->counts[UE_COUNT_MTK_TAKEN];
	totals[UE_SERIES_VERIFICATIONS] = site->counts[UE_COUNT_VERIFICATION];
}

void ue_site_tick(struct ue_site *site, const struct ue_now *now)
{
	uint64_t totals[UE_SERIES_COUNT];

	rate_tick(site, now->mono);
	ue_habits_tick(site, now);
	if (!ue_series_is_due(&site->series, now))
		return;
	ue_site_totals(site, totals);
	ue_series_add(&site->series, totals, now);
}

size_t ue_site_room(const struct ue_site *site)
{
	// A frame can leave four behind: two copies of itself, each with two of its answer.
	return site->wire.count >= UNDER_WAY_MAX ? 0 : (UNDER_WAY_MAX - site->wire.count) / 4;
}

// Lets a frame in and carries its answer as far as the wire lets it: the length of what has to
// be sent at once.
static size_t frame_answer(struct ue_site *site, const uint8_t *data, size_t len,
	const struct ue_now *now, struct ue_outgoing *out)
{
	ue_site_take(site, data, len, now, out);
	if (out->len > 0 && !frame_carry(site, UE_OUT, out->data, out->len, now->mono))
		out->len = 0;
	if (site->record != NULL && out->len > 0 && out->answer.kind != 0)
		ue_record_put(site->record, &out->answer);
	return out->len;
}

// A datagram to a multicast address. What the wire loses is lost to each phone by itself (mtk.c).
static bool is_for_group(
	const struct ue_site *site, const uint8_t *data, size_t len, struct ue_frame *frame)
{
	return site->mtk.group_count > 0 && len > 0 && (data[0] & 1) != 0 &&
		ue_frame_parse(frame, data, len, &site->station) == UE_ACCEPTED &&
		frame->kind == UE_FRAME_UDP && ue_address_is_multicast(&frame->destination);
}

size_t ue_site_receive(struct ue_site *site, const uint8_t *data, size_t len,
	const struct ue_now *now, uint8_t *out, size_t cap)
{
	enum ue_refusal refusal;
	struct ue_frame frame;

	ue_site_tick(site, now);
	ue_site_see(site, UE_IN, data, len, now);
	if (site->record != NULL) {
		ue_record_at(site->record, now);
		ue_record_frame(site->record, &site->station, data, len);
	}
	if (is_for_group(site, data, len, &frame)) {
		refusal = ue_mtk_take(site, &frame);
		if (refusal != UE_ACCEPTED)
			site->refused[refusal]++;
		return 0;
	}
	if (!frame_carry(site, UE_IN, data, len, now->mono))
		return 0;
	return frame_answer(site, data, len, now, &(struct ue_outgoing){.data = out, .cap = cap});
}

static size_t delayed_send(
	struct ue_site *site, const uint8_t *data, size_t len, struct ue_outgoing *out)
{
	if (len > out->cap) {
		site->refused[UE_NO_ROOM]++;
		return 0;
	}
	memcpy(out->data, data, len);
	return len;
}

size_t ue_site_poll(struct ue_site *site, const struct ue_now *now, uint8_t *out, size_t cap)
{
	enum ue_direction direction;
	size_t len, out_len = 0;
	uint8_t *data;

	ue_site_tick(site, now);
	ue_mtk_slice(site, now);
	while (out_len == 0 && ue_wire_take(&site->wire, now->mono, &direction, &data, &len)) {
		struct ue_outgoing outgoing = {.data = out, .cap = cap};

		if (direction == UE_IN)
			out_len = frame_answer(site, data, len, now, &outgoing);
		else
			out_len = delayed_send(site, data, len, &outgoing);
		free(data);
	}
	return out_len;
}

int ue_site_send(struct ue_site *site, const uint8_t *data, size_t len, const struct ue_now *now)
{
	ue_site_see(site, UE_OUT, data, len, now);
	site->counts[UE_COUNT_INJECTED]++;
	if (!frame_carry(site, UE_OUT, data, len, now->mono))
		return 0;
	return ue_wire_put(&site->wire, UE_OUT, now->mono, data, len);
}

int64_t ue_site_due(const struct ue_site *site)
{
	return ue_mtk_is_busy(&site->mtk) ? INT64_MIN : ue_wire_due(&site->wire);
}

uint64_t ue_site_refused(const struct ue_site *site, enum ue_refusal refusal)
{
	return site->refused[refusal];
}

uint64_t ue_site_count(const struct ue_site *site, enum ue_count count)
{
	return site->counts[count];
}

uint64_t ue_site_finding(const struct ue_site *site, enum ue_finding finding)
{
	return site->findings[finding];
}
