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

// Room for one frame, and the length of the one that was put there.
struct outgoing {
	uint8_t *data;
	size_t cap;
	size_t len;
	struct ue_record_entry answer; // kind 0: no verification
};

static void frame_see(struct ue_site *site, enum ue_direction direction, const uint8_t *data,
	size_t len, const struct ue_now *now)
{
	site->counts[direction == UE_IN ? UE_COUNT_RECEIVED : UE_COUNT_SENT]++;
	if (site->tap != NULL)
		site->tap(site->tap_arg, direction, data, len, now->wall);
}

static void receipt_count(struct ue_site *site, const struct ue_receipt *receipt)
{
	const struct ue_change *change = &receipt->change;

	site->counts[receipt->is_solicit ? UE_COUNT_SOLICIT : UE_COUNT_MSK]++;
	site->counts[UE_COUNT_STORED] += change->is_stored;
	site->counts[UE_COUNT_REFRESHED] += change->is_refreshed;
	site->counts[UE_COUNT_REVOKED] += change->is_revoked;
	site->counts[UE_COUNT_DROPPED_OLDER] += change->has_dropped;
	site->counts[UE_COUNT_VERIFICATION] += receipt->answer_len != 0;
	site->findings[UE_FINDING_MSK_CHANGED] += change->is_replaced;
	site->findings[UE_FINDING_LABEL_CHANGED] += change->is_relabelled;
	site->findings[UE_FINDING_MSK_DIFFERS] += receipt->is_msk_different;
	site->findings[UE_FINDING_V_ON_SOLICIT] += receipt->has_v_on_solicit;
}

// The phone's newest MSK, when it is new to it.
static void receipt_record(
	struct ue_site *site, const struct ue_receipt *receipt, struct outgoing *out)
{
	const struct ue_phones *phones = &site->phones;
	const struct ue_credential *credential = &phones->credentials[receipt->credential];
	struct ue_record_entry entry = {.kind = UE_RECORD_MSK, .number = receipt->id.number};
	const struct ue_msk *msk;

	if (site->record == NULL)
		return;
	if (receipt->change.is_stored) {
		msk = &phones->msks[phones->holdings[phones->phones[receipt->phone].holding].msk];
		memcpy(entry.key, msk->kdi, sizeof(msk->kdi));
		memcpy(entry.key + 3, &msk->group, sizeof(msk->group));
		memcpy(entry.key + 5, &msk->number, sizeof(msk->number));
		ue_record_head(entry.content, msk->key, sizeof(msk->key));
		entry.csb_id = msk->csb_id;
		ue_record_put(site->record, &entry);
	}
	out->answer = (struct ue_record_entry){
		.counter = receipt->counter,
		.number = receipt->id.number,
		.kind = receipt->answer_len != 0 ? UE_RECORD_ANSWER : 0,
	};
	ue_record_head(out->answer.key, credential->btid, credential->btid_len);
}

// Tells the phone's side of HTTP, which knows what brought an MSK.
static void receipt_tell(
	struct ue_site *site, const struct ue_receipt *receipt, const struct ue_now *now)
{
	enum ue_way way;

	if (site->ua == NULL)
		return;
	way = ue_ua_hear(site->ua, receipt, now);
	if (receipt->change.is_stored && way != UE_WAY_PUSHED)
		ue_holding_mark(&site->phones, receipt->phone, way);
}

static void peer_remember(struct ue_site *site, const struct ue_frame *frame)
{
	memcpy(site->peer.mac, frame->ether + 6, sizeof(site->peer.mac));
	site->peer.address = frame->source;
	site->peer.port = frame->source_port;
	site->peer.is_known = true;
}

static enum ue_refusal udp_take(struct ue_site *site, const struct ue_frame *frame,
	const struct ue_now *now, struct outgoing *out)
{
	struct ue_datagram in = {
		.data = frame->payload,
		.len = frame->payload_len,
		.destination = frame->destination,
		.port = frame->destination_port,
		.wall_s = now->wall / 1000000,
	};
	struct ue_receipt receipt;
	struct ue_flow flow;
	enum ue_refusal refusal;
	size_t at = ue_frame_payload_at(&site->station, &frame->destination);
	size_t room = out->cap > at ? out->cap - at : 0;

	refusal = ue_receive(&site->receiver, &in, out->data + at, room, &receipt);
	site->findings[UE_FINDING_COUNTER_REUSED] += receipt.is_counter_reused;
	if (refusal == UE_MIKEY_MALFORMED)
		site->malformed[receipt.mikey]++;
	site->counts[UE_COUNT_SOLICIT_REFUSED] +=
		refusal != UE_ACCEPTED && refusal != UE_OFF && receipt.is_solicit;
	if (refusal != UE_ACCEPTED)
		return refusal;
	receipt_count(site, &receipt);
	peer_remember(site, frame);
	receipt_tell(site, &receipt, now);
	receipt_record(site, &receipt, out);
	if (receipt.answer_len == 0)
		return UE_ACCEPTED;
	// Spec 3.5: back to where the message came from, from where it went to.
	flow = (struct ue_flow){
		.station = &site->station,
		.destination_mac = frame->ether + 6,
		.source = frame->destination,
		.destination = frame->source,
		.source_port = frame->destination_port,
		.destination_port = frame->source_port,
		.ip_id = site->ip_id++,
	};
	out->len = ue_frame_udp(out->data, &flow, receipt.answer_len);
	return UE_ACCEPTED;
}

static bool address_is_gateway(const struct ue_site *site, const struct ue_address *address)
{
	return ue_address_equal(address, &site->gateway) ||
		ue_address_equal(address, &site->gateway6);
}

// Whoever asks for the gateway or a phone is told our MAC.
static enum ue_refusal resolution_take(
	struct ue_site *site, const struct ue_frame *frame, struct outgoing *out)
{
	bool is_arp = frame->kind == UE_FRAME_ARP;

	if (!address_is_gateway(site, &frame->destination) &&
		ue_phone_at(&site->phones, &frame->destination) == UE_NONE)
		return is_arp ? UE_ARP_NOT_OURS : UE_ND_NOT_OURS;
	out->len = is_arp ? ue_frame_arp_reply(out->data, out->cap, frame, &site->station)
			  : ue_frame_nd_reply(out->data, out->cap, frame, &site->station);
	site->counts[is_arp ? UE_COUNT_ARP : UE_COUNT_ND] += out->len != 0;
	return out->len != 0 ? UE_ACCEPTED : UE_NO_ROOM;
}

static enum ue_refusal echo_take(
	struct ue_site *site, const struct ue_frame *frame, struct outgoing *out)
{
	if (!address_is_gateway(site, &frame->destination))
		return UE_ICMP;
	out->len = ue_frame_echo_reply(out->data, out->cap, frame, &site->station);
	site->counts[UE_COUNT_ECHO] += out->len != 0;
	return out->len != 0 ? UE_ACCEPTED : UE_NO_ROOM;
}

// A frame has reached the gateway; the answer that leaves it, if any, is put into out.
static void frame_take(struct ue_site *site, const uint8_t *data, size_t len,
	const struct ue_now *now, struct outgoing *out)
{
	struct ue_frame frame;
	enum ue_refusal refusal = ue_frame_parse(&frame, data, len, &site->station);

	if (refusal == UE_ACCEPTED && frame.kind == UE_FRAME_UDP)
		refusal = udp_take(site, &frame, now, out);
	else if (refusal == UE_ACCEPTED && frame.kind != UE_FRAME_ECHO)
		refusal = resolution_take(site, &frame, out);
	else if (refusal == UE_ACCEPTED)
		refusal = echo_take(site, &frame, out);
	if (refusal != UE_ACCEPTED)
		site->refused[refusal]++;
	if (out->len > 0)
		frame_see(site, UE_OUT, out->data, out->len, now);
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
	const struct ue_now *now, struct outgoing *out)
{
	frame_take(site, data, len, now, out);
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
	frame_see(site, UE_IN, data, len, now);
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
	return frame_answer(site, data, len, now, &(struct outgoing){.data = out, .cap = cap});
}

static size_t delayed_send(
	struct ue_site *site, const uint8_t *data, size_t len, struct outgoing *out)
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
		struct outgoing outgoing = {.data = out, .cap = cap};

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
	frame_see(site, UE_OUT, data, len, now);
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
