// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The order of TS 33.246: classify by EXT, find the MUK by (IDi, IDr), its lifetime, the counter,
// the MAC; then decrypt, read the key data and only now change anything: store the MSK with its
// validity, RAND and CSB ID, drop what is superfluous, take over the counter, answer.

#include "receive.h"

#include <string.h>

#define PLAIN_MAX_BYTES 1500
#define COMPARED_MSKS 64 // bounds what a BM-SC with a key per phone can cost

// One message on its way through the rules. Secret.
struct message {
	const struct ue_datagram *in;
	struct mikey_view view;
	bool is_solicit;
	struct ue_credential *credential;
	struct ue_phone *phone;
	struct ue_hmac psk;
	struct ue_hmac auth;
};

static bool bytes_equal(struct mikey_bytes a, struct mikey_bytes b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static enum mikey_profile view_profile(const struct mikey_view *view)
{
	return view->msk_id_bytes == 2 ? MIKEY_PROFILE_V600 : MIKEY_PROFILE_TS33246;
}

static enum ue_refusal message_classify(struct message *msg, struct ue_receipt *receipt)
{
	struct mikey_view *view = &msg->view;
	enum mikey_kind kind;

	receipt->mikey = mikey_parse(msg->in->data, msg->in->len, view);
	if (receipt->mikey != MIKEY_OK)
		return UE_MIKEY_MALFORMED;
	if (view->has_kemac &&
		(view->encr_alg != MIKEY_ENCR_AES_CM_128 ||
			view->mac_alg != MIKEY_MAC_HMAC_SHA1_160 ||
			view->ts_type != MIKEY_TS_COUNTER))
		return UE_ALGORITHM;
	kind = mikey_view_kind(view);
	if (kind != MIKEY_KIND_MSK && kind != MIKEY_KIND_SOLICIT)
		return UE_MIKEY_KIND;
	msg->is_solicit = kind == MIKEY_KIND_SOLICIT;
	receipt->is_solicit = msg->is_solicit;
	receipt->id = view->id;
	receipt->profile = view_profile(view);
	return UE_ACCEPTED;
}

// Spec 3.12: in ts33246 IDi is the BM-SC's name; in v600 it is the domain, which the phone takes as
// it is. IDr names the credential; the datagram has to reach the phone that owns it.
static enum ue_refusal message_address(
	struct message *msg, const struct ue_receiver *receiver, struct ue_receipt *receipt)
{
	const struct mikey_bytes *identity = msg->view.identity;
	struct ue_phones *phones = receiver->phones;
	uint32_t at;

	if (view_profile(&msg->view) == MIKEY_PROFILE_TS33246 &&
		!bytes_equal(identity[0], receiver->fqdn))
		return UE_WRONG_IDI;
	at = ue_credential_find(phones, identity[1].data, identity[1].len);
	if (at == UE_NONE)
		return UE_UNKNOWN_IDR;
	msg->credential = &phones->credentials[at];
	receipt->phone = msg->credential->phone;
	msg->phone = &phones->phones[receipt->phone];
	if ((msg->phone->habits & UE_OFFLINE) != 0)
		return UE_OFF;
	if (!ue_credential_is_kept(phones, at))
		return UE_FORGOTTEN_IDR;
	if (!ue_address_is_none(&msg->phone->address) &&
		!ue_address_equal(&msg->phone->address, &msg->in->destination))
		return UE_WRONG_ADDRESS;
	if (msg->phone->port != msg->in->port)
		return UE_WRONG_PORT;
	return UE_ACCEPTED;
}

static struct mikey_bytes message_mac(const struct message *msg)
{
	return (struct mikey_bytes){msg->in->data + msg->view.mac.off, MIKEY_MAC_BYTES};
}

// RFC 3830 5.2: the MAC covers everything before itself.
static bool message_is_authentic(struct message *msg)
{
	struct mikey_bytes covered = {msg->in->data, msg->view.mac.off};
	uint8_t key[MIKEY_AUTH_KEY_BYTES], mac[MIKEY_MAC_BYTES];
	bool is_good;

	ue_hmac_init(&msg->psk, msg->credential->muk, UE_KEY_BYTES);
	ue_derive(&msg->psk, MIKEY_DERIVE_AUTH, msg->view.csb_id, msg->view.rand, key, sizeof(key));
	ue_hmac_init(&msg->auth, key, sizeof(key));
	ue_hmac_sum(&msg->auth, covered, (struct mikey_bytes){0}, mac);
	is_good = memcmp(mac, message_mac(msg).data, sizeof(mac)) == 0;
	explicit_bzero(key, sizeof(key));
	return is_good;
}

// RFC 1982 over 32 bits: above the stored value, by at most 2^31-1. Spec 3.8.
static enum ue_refusal message_counter(struct message *msg, struct ue_receipt *receipt)
{
	const struct ue_credential *credential = msg->credential;
	uint32_t ahead = msg->view.counter - credential->counter;

	if (ahead != 0 && ahead <= INT32_MAX)
		return UE_ACCEPTED;
	if (ahead != 0 || !credential->is_used)
		return UE_STALE_COUNTER;
	// The same message again is what networks do; another one under the same counter is what
	// a BM-SC must never make. Only the second is worth its MAC.
	if (memcmp(message_mac(msg).data, credential->last_mac, sizeof(credential->last_mac)) != 0)
		receipt->is_counter_reused = message_is_authentic(msg);
	return UE_REPLAYED;
}

// Spec 3.10: a solicited pull is the only use of an expired MUK, and strict phones (seed, 2.2) do
// not know of it.
static enum ue_refusal message_lifetime(const struct message *msg, const struct ue_phones *phones)
{
	uint32_t at = (uint32_t)(msg->credential - phones->credentials);

	if (!ue_credential_is_expired(phones, at, msg->in->wall_s))
		return UE_ACCEPTED;
	if (!msg->is_solicit)
		return UE_MUK_EXPIRED;
	return (msg->phone->habits & UE_STRICT) != 0 ? UE_TOO_OLD : UE_ACCEPTED;
}

static enum ue_refusal message_check(
	struct message *msg, const struct ue_receiver *receiver, struct ue_receipt *receipt)
{
	enum ue_refusal refusal = message_classify(msg, receipt);

	if (refusal == UE_ACCEPTED)
		refusal = message_address(msg, receiver, receipt);
	if (refusal == UE_ACCEPTED)
		refusal = message_lifetime(msg, receiver->phones);
	if (refusal == UE_ACCEPTED)
		refusal = message_counter(msg, receipt);
	if (refusal == UE_ACCEPTED && !message_is_authentic(msg))
		refusal = UE_BAD_MAC;
	return refusal;
}

static enum ue_refusal key_data_read(const uint8_t *plain, size_t len, struct ue_delivery *delivery)
{
	struct mikey_key_data data;

	if (mikey_key_data_parse(plain, len, &data) != MIKEY_OK)
		return UE_KEY_DATA;
	if ((data.type != MIKEY_KEY_TEK && data.type != MIKEY_KEY_TGK) ||
		data.key.len != MIKEY_MSK_BYTES)
		return UE_KEY_TYPE;
	// Without an interval both ends are empty.
	if (data.valid_from.len != 2 || data.valid_to.len != 2)
		return UE_KEY_VALIDITY;
	delivery->key = data.key.data;
	delivery->seq_l = (uint16_t)(data.valid_from.data[0] << 8 | data.valid_from.data[1]);
	delivery->seq_u = (uint16_t)(data.valid_to.data[0] << 8 | data.valid_to.data[1]);
	return UE_ACCEPTED;
}

static void cs_copy(struct mikey_verification *out, const struct mikey_view *view)
{
	const uint8_t *at = view->cs_map.data;

	if (view->map_type != MIKEY_MAP_SRTP || view->cs_count > MIKEY_CS_MAX)
		return;
	out->cs_count = view->cs_count;
	for (unsigned i = 0; i < view->cs_count; i++, at += MIKEY_MAP_SRTP_BYTES) {
		out->cs[i] = (struct mikey_cs){
			.policy = at[0],
			.ssrc = (uint32_t)at[1] << 24 | at[2] << 16 | at[3] << 8 | at[4],
			.roc = (uint32_t)at[5] << 24 | at[6] << 16 | at[7] << 8 | at[8],
		};
	}
}

size_t ue_verification(const struct ue_receiver *receiver, const struct mikey_verification *msg,
	struct mikey_bytes idi, const struct ue_hmac *auth, uint8_t *out, size_t cap)
{
	uint8_t tail[2 * UINT8_MAX + UE_KEY_BYTES];
	struct mikey_layout layout;
	size_t tail_len = mikey_verification_tail(
		tail, sizeof(tail), idi, msg->idr, msg->counter, receiver->ts_bytes);

	if (tail_len == 0 || mikey_verification_build(out, cap, msg, &layout) != MIKEY_OK)
		return 0;
	ue_hmac_sum(auth, (struct mikey_bytes){out, layout.mac.off},
		(struct mikey_bytes){tail, (uint16_t)tail_len}, out + layout.mac.off);
	return layout.len;
}

static enum ue_refusal message_answer(const struct message *msg, const struct ue_receiver *receiver,
	uint8_t *out, size_t cap, struct ue_receipt *receipt)
{
	const struct mikey_view *view = &msg->view;
	struct mikey_verification answer = {
		.csb_id = view->csb_id,
		.counter = view->counter,
		.idr = view->identity[1],
	};

	if (!view->wants_verification)
		return UE_ACCEPTED;
	cs_copy(&answer, view);
	receipt->answer_len =
		ue_verification(receiver, &answer, view->identity[0], &msg->auth, out, cap);
	return receipt->answer_len != 0 ? UE_ACCEPTED : UE_NO_ROOM;
}

// True when phones hold an MSK of the same ID as the newest one with other octets. Asked only
// when an MSK is new to all phones, so a campaign pays for it once.
static bool msk_differs(const struct ue_phones *phones)
{
	const struct ue_msk *msk = &phones->msks[phones->msk_count - 1];

	for (uint32_t i = 0; i + 1 < phones->msk_count && i < COMPARED_MSKS; i++) {
		const struct ue_msk *other = &phones->msks[i];

		if (other->phones > 0 && other->group == msk->group &&
			other->number == msk->number &&
			memcmp(other->kdi, msk->kdi, sizeof(msk->kdi)) == 0 &&
			memcmp(other->key, msk->key, sizeof(msk->key)) != 0)
			return true;
	}
	return false;
}

static enum ue_refusal message_deliver(struct message *msg, struct ue_receiver *receiver,
	uint8_t *answer, size_t cap, struct ue_receipt *receipt)
{
	const struct mikey_view *view = &msg->view;
	struct ue_phones *phones = receiver->phones;
	struct ue_delivery delivery = {
		.profile = (uint8_t)view_profile(view),
		.group = view->id.group,
		.number = view->id.number,
		.csb_id = view->csb_id,
		.rand = view->rand,
	};
	uint32_t known = phones->msk_count;
	uint8_t plain[PLAIN_MAX_BYTES];
	enum ue_refusal refusal;

	if (view->encr.len > sizeof(plain))
		return UE_KEY_DATA;
	memcpy(delivery.kdi, view->id.kdi, sizeof(delivery.kdi));
	ue_decrypt(&msg->psk, view, plain);
	refusal = key_data_read(plain, view->encr.len, &delivery);
	if (refusal == UE_ACCEPTED)
		refusal = message_answer(msg, receiver, answer, cap, receipt);
	if (refusal == UE_ACCEPTED &&
		ue_holding_deliver(phones, receipt->phone, &delivery, &receipt->change) != 0)
		refusal = UE_NO_MEMORY;
	if (refusal == UE_ACCEPTED && phones->msk_count > known)
		receipt->is_msk_different = msk_differs(phones);
	explicit_bzero(plain, sizeof(plain));
	return refusal;
}

// A phone whose address is not known takes the one its first good message came to.
static enum ue_refusal message_learn(
	struct message *msg, struct ue_receiver *receiver, uint32_t phone)
{
	if (!ue_address_is_none(&msg->phone->address))
		return UE_ACCEPTED;
	if (ue_phone_move(receiver->phones, phone, &msg->in->destination) != 0)
		return UE_NO_MEMORY;
	msg->phone->is_learned = true;
	return UE_ACCEPTED;
}

static void message_commit(struct message *msg, const struct ue_receiver *receiver)
{
	struct ue_credential *credential = msg->credential;
	struct ue_phones *phones = receiver->phones;

	credential->counter = msg->view.counter;
	ue_credential_use(phones, credential);
	memcpy(credential->last_mac, message_mac(msg).data, sizeof(credential->last_mac));
	if (receiver->state != NULL)
		ue_state_use(receiver->state, phones, (uint32_t)(credential - phones->credentials));
	if (msg->is_solicit)
		msg->phone->solicited++;
	msg->phone->accepted++;
}

static void message_refuse(struct message *msg, enum ue_refusal refusal)
{
	if (msg->phone == NULL)
		return;
	msg->phone->refused++;
	msg->phone->last_refusal = (uint8_t)refusal;
}

enum ue_refusal ue_receive(struct ue_receiver *receiver, const struct ue_datagram *in,
	uint8_t *answer, size_t cap, struct ue_receipt *receipt)
{
	struct message msg = {.in = in};
	enum ue_refusal refusal;

	*receipt = (struct ue_receipt){.phone = UE_NONE};
	refusal = message_check(&msg, receiver, receipt);
	if (refusal == UE_ACCEPTED)
		refusal = message_learn(&msg, receiver, receipt->phone);
	if (refusal == UE_ACCEPTED && msg.is_solicit)
		receipt->has_v_on_solicit = msg.view.wants_verification;
	else if (refusal == UE_ACCEPTED)
		refusal = message_deliver(&msg, receiver, answer, cap, receipt);
	if (refusal == UE_ACCEPTED) {
		message_commit(&msg, receiver);
		receipt->credential = (uint32_t)(msg.credential - receiver->phones->credentials);
		receipt->counter = msg.view.counter;
	} else {
		message_refuse(&msg, refusal);
		receipt->answer_len = 0;
	}
	explicit_bzero(&msg.psk, sizeof(msg.psk));
	explicit_bzero(&msg.auth, sizeof(msg.auth));
	return refusal;
}
