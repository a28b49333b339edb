// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A phone's order: the MSK by domain and MSK ID, without which it has missed an update; the
// counter; MTK IDs up to the last one are a replay; the MAC; only then is an MTK ID above SEQu
// taken for what it says, the end of the MSK, and anything changed. Phones never answer.

#include "mtk.h"

#include <stdlib.h>
#include <string.h>

#include "holding.h"
#include "site.h"

#define SLICE 8192 // phones
#define WAITING_MAX 64
#define VERDICTS_MAX 4 // MSKs with one name; there should be one

// What a message is under one MSK.
struct verdict {
	uint32_t msk;
	enum ue_refusal refusal;
	uint64_t seen; // its number among those seen, when it is good
};

struct ue_mtk_message {
	struct ue_mtk_message *next;
	struct mikey_view view;
	uint32_t at; // the next phone
	unsigned verdict_count;
	struct verdict verdicts[VERDICTS_MAX];
	size_t len;
	uint8_t data[];
};

void ue_mtk_fini(struct ue_mtk *mtk)
{
	while (mtk->first != NULL) {
		struct ue_mtk_message *next = mtk->first->next;

		free(mtk->first);
		mtk->first = next;
	}
}

bool ue_address_is_multicast(const struct ue_address *address)
{
	const struct ue_address mapped = ue_address_v4(&address->octets[12]);

	if (ue_address_equal(address, &mapped))
		return address->octets[12] >> 4 == 14;
	return address->octets[0] == 0xff;
}

void ue_group_mac(const struct ue_address *address, uint8_t mac[6])
{
	const struct ue_address mapped = ue_address_v4(&address->octets[12]);

	if (ue_address_equal(address, &mapped)) {
		memcpy(mac, (const uint8_t[]){0x01, 0x00, 0x5e}, 3);
		memcpy(mac + 3, &address->octets[13], 3);
		mac[3] &= 0x7f;
	} else {
		memcpy(mac, (const uint8_t[]){0x33, 0x33}, 2);
		memcpy(mac + 2, &address->octets[12], 4);
	}
}

// --- The message ----------------------------------------------------------------------------

static enum mikey_profile profile_of(const struct mikey_view *view)
{
	return view->msk_id_bytes == 2 ? MIKEY_PROFILE_V600 : MIKEY_PROFILE_TS33246;
}

static bool is_joined(const struct ue_mtk *mtk, const struct ue_frame *frame)
{
	for (unsigned i = 0; i < mtk->group_count; i++) {
		if (mtk->groups[i].port == frame->destination_port &&
			ue_address_equal(&mtk->groups[i].address, &frame->destination))
			return true;
	}
	return false;
}

static enum ue_refusal message_check(struct ue_site *site, const struct ue_frame *frame)
{
	struct mikey_view view;
	enum mikey_status status;
	uint8_t mac[6];

	ue_group_mac(&frame->destination, mac);
	if (memcmp(frame->ether, mac, sizeof(mac)) != 0)
		return UE_NOT_OUR_MAC;
	if (!is_joined(&site->mtk, frame))
		return UE_NOT_JOINED;
	status = mikey_parse(frame->payload, frame->payload_len, &view);
	if (status != MIKEY_OK) {
		site->malformed[status]++;
		return UE_MIKEY_MALFORMED;
	}
	return mikey_view_kind(&view) == MIKEY_KIND_MTK ? UE_ACCEPTED : UE_MIKEY_KIND;
}

enum ue_refusal ue_mtk_take(struct ue_site *site, const struct ue_frame *frame)
{
	struct ue_mtk *mtk = &site->mtk;
	enum ue_refusal refusal = message_check(site, frame);
	struct ue_mtk_message *message;

	if (refusal != UE_ACCEPTED)
		return refusal;
	if (mtk->waiting >= WAITING_MAX)
		return UE_MTK_OVERRUN;
	message = calloc(1, sizeof(*message) + frame->payload_len);
	if (message == NULL)
		return UE_NO_MEMORY;
	message->len = frame->payload_len;
	memcpy(message->data, frame->payload, frame->payload_len);
	mikey_parse(message->data, message->len, &message->view);
	if (mtk->first == NULL)
		mtk->first = message;
	else
		mtk->last->next = message;
	mtk->last = message;
	mtk->waiting++;
	site->counts[UE_COUNT_MTK]++;
	return UE_ACCEPTED;
}

// --- Under one MSK --------------------------------------------------------------------------

static bool message_is_authentic(
	const struct ue_mtk_message *message, const struct ue_hmac *psk, struct mikey_bytes rand)
{
	struct mikey_bytes covered = {message->data, message->view.mac.off};
	uint8_t key[MIKEY_AUTH_KEY_BYTES], mac[MIKEY_MAC_BYTES];
	struct ue_hmac auth;
	bool is_good;

	ue_derive(psk, MIKEY_DERIVE_AUTH, message->view.csb_id, rand, key, sizeof(key));
	ue_hmac_init(&auth, key, sizeof(key));
	ue_hmac_sum(&auth, covered, (struct mikey_bytes){0}, mac);
	is_good = memcmp(mac, message->data + message->view.mac.off, sizeof(mac)) == 0;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(&auth, sizeof(auth));
	return is_good;
}

// Spec 3.6: a TEK of 16 octets, with a salt or without, and no validity of its own.
static enum ue_refusal key_data_read(const uint8_t *plain, size_t len, struct ue_mtk_seen *seen)
{
	struct mikey_key_data data;

	if (mikey_key_data_parse(plain, len, &data) != MIKEY_OK)
		return UE_KEY_DATA;
	if ((data.type != MIKEY_KEY_TEK && data.type != MIKEY_KEY_TEK_SALT) ||
		data.key.len != MIKEY_MTK_BYTES || data.salt.len > MIKEY_SALT_MAX_BYTES)
		return UE_KEY_TYPE;
	if (data.kv != MIKEY_KV_NULL)
		return UE_KEY_VALIDITY;
	ue_check_value(data.key.data, seen->check);
	seen->salt_len = (uint8_t)data.salt.len;
	return UE_ACCEPTED;
}

static enum ue_refusal message_open(const struct ue_mtk_message *message, const struct ue_msk *msk,
	bool has_no_rand, struct ue_mtk_seen *seen)
{
	struct mikey_bytes rand = {msk->rand, has_no_rand ? 0 : msk->rand_len};
	struct mikey_view view = message->view;
	uint8_t plain[UE_FRAME_MAX_BYTES];
	enum ue_refusal refusal = UE_BAD_MAC;
	struct ue_hmac psk;

	ue_hmac_init(&psk, msk->key, sizeof(msk->key));
	if (message_is_authentic(message, &psk, rand)) {
		view.rand = rand;
		ue_decrypt(&psk, &view, plain);
		refusal = key_data_read(plain, view.encr.len, seen);
		explicit_bzero(plain, view.encr.len);
	}
	explicit_bzero(&psk, sizeof(psk));
	return refusal;
}

// What a BM-SC must never do: an MTK ID for two MTKs, a counter for two messages.
static void findings_note(struct ue_site *site, const struct ue_mtk_seen *seen)
{
	const struct ue_mtk *mtk = &site->mtk;
	uint64_t known = mtk->seen_count < UE_MTK_SEEN ? mtk->seen_count : UE_MTK_SEEN;

	for (uint64_t i = 0; i < known; i++) {
		const struct ue_mtk_seen *other = &mtk->seen[i];

		if (other->msk != seen->msk)
			continue;
		site->findings[UE_FINDING_MTK_CHANGED] += other->mtk_id == seen->mtk_id &&
			memcmp(other->check, seen->check, sizeof(seen->check)) != 0;
		site->findings[UE_FINDING_COUNTER_REUSED] += other->counter == seen->counter &&
			memcmp(other->mac, seen->mac, sizeof(seen->mac)) != 0;
	}
}

static void seen_record(const struct ue_site *site, const struct ue_mtk_message *message,
	const struct ue_mtk_seen *seen)
{
	const struct ue_msk *msk = &site->phones.msks[seen->msk];
	struct ue_record_entry entry = {
		.counter = seen->counter,
		.csb_id = message->view.csb_id,
		.number = (uint16_t)seen->mtk_id,
		.kind = UE_RECORD_MTK,
	};

	if (site->record == NULL)
		return;
	ue_record_head(entry.key, msk->key, sizeof(msk->key));
	memcpy(entry.content, seen->check, sizeof(seen->check));
	memcpy(entry.mac, seen->mac, sizeof(seen->mac));
	ue_record_put(site->record, &entry);
}

static struct verdict verdict_make(
	struct ue_site *site, const struct ue_mtk_message *message, uint32_t at)
{
	struct ue_mtk *mtk = &site->mtk;
	const struct ue_msk *msk = &site->phones.msks[at];
	struct ue_mtk_seen seen = {
		.msk = at, .mtk_id = message->view.id.mtk_id, .counter = message->view.counter};
	struct verdict verdict = {.msk = at, .seen = mtk->seen_count};

	memcpy(seen.mac, message->data + message->view.mac.off, sizeof(seen.mac));
	verdict.refusal = message_open(message, msk, mtk->has_no_rand, &seen);
	if (verdict.refusal != UE_ACCEPTED)
		return verdict;
	site->findings[UE_FINDING_MTK_LABEL] += message->view.csb_id != msk->csb_id;
	findings_note(site, &seen);
	seen_record(site, message, &seen);
	mtk->seen[mtk->seen_count++ % UE_MTK_SEEN] = seen;
	return verdict;
}

// The same for all phones that hold this MSK. More than a few with one name, which a BM-SC must
// never make, are computed each time.
static struct verdict verdict_of(struct ue_site *site, struct ue_mtk_message *message, uint32_t msk)
{
	struct verdict verdict;

	for (unsigned i = 0; i < message->verdict_count; i++) {
		if (message->verdicts[i].msk == msk)
			return message->verdicts[i];
	}
	verdict = verdict_make(site, message, msk);
	if (message->verdict_count < VERDICTS_MAX)
		message->verdicts[message->verdict_count++] = verdict;
	return verdict;
}

// --- One phone ------------------------------------------------------------------------------

static bool is_counter_good(const struct ue_holding *holding, uint32_t counter)
{
	uint32_t ahead = counter - holding->counter;

	return ahead != 0 && ahead <= INT32_MAX;
}

// Takes an MTK, or says why not. *is_over: the MSK is, and has to go.
static enum ue_refusal holding_hear(struct ue_site *site, struct ue_mtk_message *message,
	struct ue_holding *holding, bool *is_over)
{
	const struct mikey_view *view = &message->view;
	// Computed once for all of them, so that what it says about the BM-SC is seen in any case.
	struct verdict verdict = verdict_of(site, message, holding->msk);

	if (!is_counter_good(holding, view->counter))
		return UE_MTK_STALE;
	if (view->id.mtk_id <= holding->seq_s)
		return UE_MTK_REPLAYED;
	if (verdict.refusal != UE_ACCEPTED)
		return verdict.refusal;
	if (view->id.mtk_id > holding->seq_u) {
		*is_over = true;
		return UE_MTK_EXHAUSTED;
	}
	holding->counter = view->counter;
	holding->seq_s = (uint16_t)view->id.mtk_id;
	if (verdict.seen + UE_MTK_SEEN > site->mtk.seen_count)
		site->mtk.seen[verdict.seen % UE_MTK_SEEN].phones++;
	return UE_ACCEPTED;
}

static bool msk_is_named(const struct ue_msk *msk, const struct mikey_view *view)
{
	return msk->group == view->id.group && msk->number == view->id.number &&
		msk->profile == profile_of(view) &&
		memcmp(msk->kdi, view->id.kdi, sizeof(msk->kdi)) == 0;
}

static uint32_t *holding_named(
	struct ue_phones *phones, uint32_t phone, const struct mikey_view *view)
{
	uint32_t *link = &phones->phones[phone].holding;

	while (*link != UE_NONE && !msk_is_named(&phones->msks[phones->holdings[*link].msk], view))
		link = &phones->holdings[*link].next;
	return link;
}

// The phone lacks the MSK of what it hears: it asks, if it has HTTP and the group is one of its
// own.
static void phone_miss(struct ue_site *site, uint32_t phone, const struct mikey_view *view,
	uint16_t number, const struct ue_now *now)
{
	struct ue_subject key = {.profile = (uint8_t)profile_of(view), .group = view->id.group};

	if (site->ua == NULL)
		return;
	// A request in v600 names the group alone.
	if (key.profile == MIKEY_PROFILE_TS33246) {
		memcpy(key.kdi, view->id.kdi, sizeof(key.kdi));
		key.number = number;
	}
	ue_ua_miss(site->ua, phone, &key, now);
}

static void phone_hear(struct ue_site *site, struct ue_mtk_message *message, uint32_t phone,
	const struct ue_now *now)
{
	const struct mikey_view *view = &message->view;
	struct ue_phones *phones = &site->phones;
	uint32_t *link = holding_named(phones, phone, view);
	enum ue_refusal refusal = UE_UNKNOWN_MSK;
	bool is_over = false;

	if (*link == UE_NONE) {
		if (site->ua != NULL && !ue_ua_is_concerned(site->ua, phone, &view->id))
			return;
		phone_miss(site, phone, view, view->id.number, now);
	} else {
		refusal = holding_hear(site, message, &phones->holdings[*link], &is_over);
	}
	if (is_over) {
		ue_holding_end(phones, phone, link);
		phone_miss(site, phone, view, MIKEY_KEY_NUMBER_CURRENT, now);
	}
	if (refusal == UE_ACCEPTED) {
		site->counts[UE_COUNT_MTK_TAKEN]++;
		return;
	}
	site->refused[refusal]++;
	phones->phones[phone].last_refusal = (uint8_t)refusal;
}

// Phones that are registered for nothing, or have left, do not listen.
static bool is_listening(const struct ue_site *site, uint32_t at)
{
	const struct ue_phone *phone = &site->phones.phones[at];

	if ((phone->habits & UE_OFFLINE) != 0 || (phone->services != 0 && phone->registered == 0))
		return false;
	return site->ua == NULL || !ue_ua_has_left(site->ua, at);
}

static void message_end(struct ue_mtk *mtk)
{
	struct ue_mtk_message *message = mtk->first;

	mtk->first = message->next;
	mtk->waiting--;
	explicit_bzero(message->data, message->len);
	free(message);
}

void ue_mtk_slice(struct ue_site *site, const struct ue_now *now)
{
	struct ue_mtk_message *message = site->mtk.first;
	uint32_t end = site->phones.phone_count;

	if (message == NULL)
		return;
	if (end - message->at > SLICE)
		end = message->at + SLICE;
	for (; message->at < end; message->at++) {
		if (!is_listening(site, message->at))
			continue;
		// On the air each phone loses frames of its own.
		if (ue_rng_percent(&site->mtk.rng, site->wire.impairment.loss))
			site->counts[UE_COUNT_MTK_LOST]++;
		else
			phone_hear(site, message, message->at, now);
	}
	if (message->at == site->phones.phone_count)
		message_end(&site->mtk);
}
