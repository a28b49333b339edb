// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A frame at the gateway: whom it is for, what it changes there, and what is answered.

#include "frame.h"
#include "site.h"

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
	struct ue_site *site, const struct ue_receipt *receipt, struct ue_outgoing *out)
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
	const struct ue_now *now, struct ue_outgoing *out)
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
	struct ue_site *site, const struct ue_frame *frame, struct ue_outgoing *out)
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
	struct ue_site *site, const struct ue_frame *frame, struct ue_outgoing *out)
{
	if (!address_is_gateway(site, &frame->destination))
		return UE_ICMP;
	out->len = ue_frame_echo_reply(out->data, out->cap, frame, &site->station);
	site->counts[UE_COUNT_ECHO] += out->len != 0;
	return out->len != 0 ? UE_ACCEPTED : UE_NO_ROOM;
}

void ue_site_take(struct ue_site *site, const uint8_t *data, size_t len, const struct ue_now *now,
	struct ue_outgoing *out)
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
		ue_site_see(site, UE_OUT, out->data, out->len, now);
}
