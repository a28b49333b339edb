// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "bsf.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "csv.h"
#include "rng.h"

#define TIME_TEXT 32

// What a bootstrapping left at the BSF. Secret.
struct record {
	uint32_t credential; // ascending
	bool is_gba_u;
	int64_t created;
	uint8_t ks[UE_KEY_BYTES];
	uint8_t rand[UE_GBA_RAND_BYTES];
};

struct ue_bsf {
	struct ue_bsf_conf conf;
	struct ue_phones *phones;
	struct record *records;
	size_t count;
	size_t room;
	uint8_t naf_id[UE_NAF_ID_MAX_BYTES];
	uint16_t naf_id_len;
	enum ue_bsf_mood mood;
	uint64_t counts[UE_BSF_COUNT_COUNT];
};

static const char *const mood_names[UE_BSF_MOOD_COUNT] = {
	[UE_BSF_TRUTHFUL] = "truthful",
	[UE_BSF_BUSY] = "busy",
	[UE_BSF_NOT_AUTHORISED] = "not-authorised",
	[UE_BSF_NOT_KNOWN] = "not-known",
};

const char *ue_bsf_mood_name(enum ue_bsf_mood mood)
{
	return mood_names[mood];
}

int ue_bsf_create(struct ue_bsf **out, const struct ue_bsf_conf *conf, struct ue_phones *phones)
{
	struct ue_bsf *bsf = calloc(1, sizeof(*bsf));

	if (bsf == NULL)
		return -ENOMEM;
	bsf->conf = *conf;
	bsf->phones = phones;
	bsf->naf_id_len = (uint16_t)ue_naf_id_put(bsf->naf_id, conf->fqdn);
	*out = bsf;
	return 0;
}

void ue_bsf_destroy(struct ue_bsf *bsf)
{
	if (bsf == NULL)
		return;
	if (bsf->records != NULL)
		explicit_bzero(bsf->records, bsf->count * sizeof(*bsf->records));
	free(bsf->records);
	free(bsf);
}

void ue_bsf_mood_set(struct ue_bsf *bsf, enum ue_bsf_mood mood)
{
	bsf->mood = mood;
}

json_t *ue_bsf_report(const struct ue_bsf *bsf)
{
	static const char *const names[UE_BSF_COUNT_COUNT] = {
		"bootstraps", "answered", "not_known", "not_authorised", "busy", "bad_requests"};
	json_t *object = json_pack("{s:s}", "mood", mood_names[bsf->mood]);

	for (int i = 0; i < UE_BSF_COUNT_COUNT; i++)
		json_object_set_new(object, names[i], json_integer((json_int_t)bsf->counts[i]));
	return object;
}

static int record_room(struct ue_bsf *bsf)
{
	size_t room = bsf->room != 0 ? 2 * bsf->room : 1024;
	struct record *grown;

	if (bsf->count < bsf->room)
		return 0;
	grown = calloc(room, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	if (bsf->count > 0) {
		memcpy(grown, bsf->records, bsf->count * sizeof(*grown));
		explicit_bzero(bsf->records, bsf->count * sizeof(*bsf->records));
	}
	free(bsf->records);
	bsf->records = grown;
	bsf->room = room;
	return 0;
}

static struct mikey_bytes impi_of(const struct ue_phone *phone)
{
	return (struct mikey_bytes){(const uint8_t *)phone->impi, phone->impi_len};
}

static struct ue_gba_input input_of(
	const struct ue_bsf *bsf, const struct record *record, const struct ue_phone *phone)
{
	return (struct ue_gba_input){
		.ks = record->ks,
		.rand = record->rand,
		.impi = impi_of(phone),
		.naf_id = {bsf->naf_id, bsf->naf_id_len},
	};
}

// FNV-1a over 64 bits.
static uint64_t impi_hash(const struct ue_phone *phone)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (unsigned i = 0; i < phone->impi_len; i++)
		hash = (hash ^ (uint8_t)phone->impi[i]) * 0x100000001b3u;
	return hash;
}

// CK || IK and RAND.
static void record_draw(const struct ue_bsf *bsf, const struct ue_phone *phone, struct record *out)
{
	struct ue_rng rng;

	ue_rng_init(&rng,
		(bsf->conf.seed ^ impi_hash(phone)) + phone->bootstraps * 0x9e3779b97f4a7c15u);
	ue_rng_fill(&rng, out->ks, sizeof(out->ks));
	ue_rng_fill(&rng, out->rand, sizeof(out->rand));
	out->is_gba_u = ue_rng_percent(&rng, bsf->conf.gba_u) || phone->keys_in_uicc;
	explicit_bzero(&rng, sizeof(rng));
}

// Spec 4.3: what the phone derives from its side of the run.
static int credential_give(
	struct ue_bsf *bsf, uint32_t phone, const struct record *record, int64_t wall_s)
{
	const struct ue_phone *owner = &bsf->phones->phones[phone];
	struct ue_gba_input input = input_of(bsf, record, owner);
	uint8_t muk[UE_KEY_BYTES], mrk[UE_KEY_BYTES];
	char btid[UE_IDENTITY_MAX_BYTES + UE_BTID_HEAD_BYTES + 1];
	struct ue_fresh fresh = {btid, ue_btid_put(btid, record->rand, bsf->conf.domain),
		wall_s + bsf->conf.lifetime_s, muk, mrk};
	int rc;

	if (owner->keys_in_uicc) {
		ue_ks_naf(UE_GBA_UICC, &input, muk);
		ue_ks_naf(UE_GBA_ME, &input, mrk);
	} else {
		ue_ks_naf(UE_GBA_ME, &input, muk);
		ue_mrk(muk, mrk);
	}
	rc = ue_phones_renew(bsf->phones, phone, &fresh);
	explicit_bzero(muk, sizeof(muk));
	explicit_bzero(mrk, sizeof(mrk));
	return rc;
}

int ue_bsf_bootstrap(struct ue_bsf *bsf, uint32_t phone, int64_t wall_s)
{
	struct ue_phone *owner = &bsf->phones->phones[phone];
	struct record record;
	int rc = record_room(bsf);

	// A RAND that was drawn before, by another run with this seed, is drawn anew.
	do {
		if (rc != 0 && rc != -EEXIST)
			return rc;
		record_draw(bsf, owner, &record);
		owner->bootstraps++;
		rc = credential_give(bsf, phone, &record, wall_s);
	} while (rc == -EEXIST);
	if (rc == 0) {
		record.credential = owner->current;
		record.created = wall_s;
		bsf->records[bsf->count++] = record;
		bsf->counts[UE_BSF_BOOTSTRAPS]++;
	}
	explicit_bzero(&record, sizeof(record));
	return rc;
}

static int record_compare(const void *key, const void *item)
{
	uint32_t wanted = *(const uint32_t *)key, is = ((const struct record *)item)->credential;

	return wanted < is ? -1 : wanted > is;
}

static json_t *key_json(const uint8_t key[UE_KEY_BYTES])
{
	char text[2 * UE_KEY_BYTES];
	json_t *json;

	ue_hex_put(text, key, UE_KEY_BYTES);
	json = json_stringn(text, sizeof(text));
	explicit_bzero(text, sizeof(text));
	return json;
}

static json_t *time_json(int64_t seconds)
{
	time_t value = (time_t)seconds;
	char text[TIME_TEXT];
	struct tm tm;

	gmtime_r(&value, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static void keys_put(const struct ue_bsf *bsf, json_t *answer, const struct ue_phone *phone,
	const struct record *record)
{
	const struct ue_credential *credential = &bsf->phones->credentials[phone->current];
	uint8_t key[UE_KEY_BYTES];
	struct ue_gba_input input;

	if (record == NULL && !phone->keys_in_uicc) {
		json_object_set_new(answer, "ks_naf", key_json(credential->muk));
	} else if (record == NULL) {
		json_object_set_new(answer, "ks_ext_naf", key_json(credential->mrk));
		json_object_set_new(answer, "ks_int_naf", key_json(credential->muk));
	} else {
		input = input_of(bsf, record, phone);
		ue_ks_naf(UE_GBA_ME, &input, key);
		json_object_set_new(
			answer, record->is_gba_u ? "ks_ext_naf" : "ks_naf", key_json(key));
		ue_ks_naf(UE_GBA_UICC, &input, key);
		if (record->is_gba_u)
			json_object_set_new(answer, "ks_int_naf", key_json(key));
		explicit_bzero(key, sizeof(key));
	}
}

static json_t *known_json(struct ue_bsf *bsf, uint32_t at)
{
	const struct ue_credential *credential = &bsf->phones->credentials[at];
	const struct ue_phone *phone = &bsf->phones->phones[credential->phone];
	const struct record *record = bsf->count == 0
		? NULL
		: bsearch(&at, bsf->records, bsf->count, sizeof(*bsf->records), record_compare);
	// Of those in the CSV the beginning is not known; they live as long as others do.
	int64_t created =
		record != NULL ? record->created : credential->expires - bsf->conf.lifetime_s;
	json_t *answer = json_pack("{s:s%, s:o, s:o, s:s, s:s}", "impi", phone->impi,
		(size_t)phone->impi_len, "expires", time_json(credential->expires), "created",
		time_json(created), "gba_type", "3g", "keys_in",
		credential->keys_in_uicc ? "uicc" : "me");

	keys_put(bsf, answer, phone, record);
	return answer;
}

static json_t *refusal_json(struct ue_bsf *bsf, enum ue_bsf_count count, unsigned *status)
{
	static const struct {
		unsigned status;
		const char *error;
	} refusals[UE_BSF_COUNT_COUNT] = {
		[UE_BSF_UNKNOWN] = {404, "not-known"},
		[UE_BSF_FORBIDDEN] = {403, "not-authorised"},
		[UE_BSF_SHED] = {503, "busy"},
		[UE_BSF_BAD] = {400, "bad-request"},
	};

	bsf->counts[count]++;
	*status = refusals[count].status;
	return json_pack("{s:s}", "error", refusals[count].error);
}

static bool naf_is_ours(const struct ue_bsf *bsf, const char *text, size_t len)
{
	uint8_t naf_id[UE_NAF_ID_MAX_BYTES];

	return ue_hex_get(naf_id, bsf->naf_id_len, text, len) &&
		memcmp(naf_id, bsf->naf_id, bsf->naf_id_len) == 0;
}

static bool is_known(const struct ue_bsf *bsf, uint32_t at, int64_t wall_s)
{
	const struct ue_credential *credential;

	if (at == UE_NONE)
		return false;
	credential = &bsf->phones->credentials[at];
	return bsf->phones->phones[credential->phone].current == at &&
		credential->expires > wall_s && (credential->has_mrk || !credential->keys_in_uicc);
}

static json_t *question_answer(
	struct ue_bsf *bsf, const json_t *question, int64_t wall_s, unsigned *status)
{
	const char *btid = json_string_value(json_object_get(question, "btid"));
	const json_t *naf_id = json_object_get(question, "naf_id");
	uint32_t at;

	if (btid == NULL || !json_is_string(naf_id))
		return refusal_json(bsf, UE_BSF_BAD, status);
	if (bsf->mood == UE_BSF_BUSY)
		return refusal_json(bsf, UE_BSF_SHED, status);
	if (bsf->mood == UE_BSF_NOT_AUTHORISED ||
		!naf_is_ours(bsf, json_string_value(naf_id), json_string_length(naf_id)))
		return refusal_json(bsf, UE_BSF_FORBIDDEN, status);
	at = ue_credential_find(
		bsf->phones, btid, json_string_length(json_object_get(question, "btid")));
	if (bsf->mood == UE_BSF_NOT_KNOWN || !is_known(bsf, at, wall_s))
		return refusal_json(bsf, UE_BSF_UNKNOWN, status);
	bsf->counts[UE_BSF_ANSWERED]++;
	*status = 200;
	return known_json(bsf, at);
}

json_t *ue_bsf_answer(
	struct ue_bsf *bsf, const char *body, size_t len, int64_t wall_s, unsigned *status)
{
	json_t *question = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *answer = question_answer(bsf, question, wall_s, status);

	json_decref(question);
	return answer;
}
