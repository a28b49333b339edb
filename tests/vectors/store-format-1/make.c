// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Wrote data.mdb.gz with the store library of the last commit of format 1 (85a004e^):
//   cc -std=gnu17 -D_GNU_SOURCE -Istore make.c store/*.c -llmdb -lcrypto -o make
//   ./make DIR && gzip -9n < DIR/data.mdb
// But for the key of its hashes nothing of it is random: functional/offline works out what has to
// be in it. It has no counter mark: that would grow old.

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "writer.h"

#define PHONES 100
#define MAP_BYTES (1 << 20)
#define EXPIRES UINT32_C(3786912000) // 2090-01-01

static void must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %d\n", what, rc);
	exit(1);
}

// SHA-256 of "WHAT NUMBER".
static void octets(const char *what, unsigned number, uint8_t out[32])
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %u", what, number);

	SHA256((const uint8_t *)text, (size_t)len, out);
}

static void pad_state(const uint8_t key[32], uint8_t pad, uint32_t state[5])
{
	uint8_t block[64];
	SHA_CTX sha;

	memset(block, pad, sizeof(block));
	for (unsigned i = 0; i < 32; i++)
		block[i] ^= key[i];
	SHA1_Init(&sha);
	SHA1_Update(&sha, block, sizeof(block));
	memcpy(state, (uint32_t[]){sha.h0, sha.h1, sha.h2, sha.h3, sha.h4}, 20);
}

static void btid_put(char *btid, unsigned number)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t in[32] = {0};
	char *at = btid;

	octets("btid", number, in);
	memset(in + 16, 0, 16);
	for (unsigned i = 0; i < 18; i += 3) {
		uint32_t word = (uint32_t)(in[i] << 16 | in[i + 1] << 8 | in[i + 2]);

		for (unsigned k = 0; k < 4; k++)
			*at++ = digits[word >> (18 - 6 * k) & 63];
	}
	strcpy(btid + 22, "==@bsf.example");
}

static void subscriber(unsigned i, unsigned btid, store_set set, struct store_subscriber *sub)
{
	*sub = (struct store_subscriber){.port = 2269, .authorised = set, .registered = set};
	if (i % 10 == 9)
		snprintf(sub->impi, sizeof(sub->impi), "phone-%u", i);
	else
		snprintf(sub->impi, sizeof(sub->impi), "00101%010u@ims.example", i);
	memcpy(sub->addr.byte,
		(uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, (uint8_t)i}, 16);
	sub->flags = i % 2 != 0 ? STORE_IN_UICC : 0;
	if (i == 50)
		return;
	sub->flags |= STORE_HAS_MUK | STORE_HAS_MRK;
	octets("mrk", btid, sub->mrk.byte);
	sub->expires = EXPIRES;
	btid_put(sub->btid, btid);
	octets("muk", btid, sub->muk.byte);
	pad_state(sub->muk.byte, 0x36, sub->muk_state.inner);
	pad_state(sub->muk.byte, 0x5c, sub->muk_state.outer);
}

static struct store_msk msk(const struct store_group *group, uint16_t number, uint8_t state)
{
	struct store_msk m = {.group = group->id,
		.number = number,
		.state = state,
		.is_released = state != STORE_MSK_NEXT,
		.seq_u = 65535,
		.created = 1764000000,
		.activated = 1764000000};
	uint8_t digest[32];

	octets("msk", (unsigned)group->id.group << 16 | number, digest);
	memcpy(m.key.byte, digest, 16);
	memcpy(m.rand, digest + 16, 16);
	m.csb_id = group->profile == STORE_PROFILE_V600 ? group->id.group
							: 0x10000u * group->id.group + number;
	return m;
}

static void people_put(struct store_txn *txn, store_set set)
{
	struct store_subscriber sub;
	store_id ids[PHONES + 1], id;
	bool is_new;

	for (unsigned i = 0; i <= PHONES; i++) {
		subscriber(i, i, set, &sub);
		must(store_subscriber_put(txn, &sub, false, &ids[i], &is_new), "subscriber");
	}
	// One who has left; one who has another MUK since the last answer.
	must(store_subscriber_remove(txn, ids[PHONES]), "remove");
	must(store_subscriber_verified(txn, ids, 20), "verified");
	subscriber(7, 1007, set, &sub);
	must(store_subscriber_put(txn, &sub, false, &id, &is_new), "change");
}

static void campaign_put(struct store_txn *txn, const struct store_group *group)
{
	struct store_campaign c = {.state = STORE_CAMPAIGN_DONE,
		.group = group->id,
		.msk_number = 2,
		.sends = 8,
		.round = 3,
		.wait_s = {1, 2, 4, 8, 8, 8, 8, 8},
		.created_ms = 1764000000000,
		.started_ms = 1764000000000,
		.ended_ms = 1764000009000,
		.span = PHONES,
		.members = PHONES,
		.verified = 20,
		.given_up = 79,
		.refused = 1,
		.pushes = 300,
		.only = STORE_ID_NONE};
	uint8_t state[STORE_SLICE];

	memset(state, STORE_MEMBER_NONE, sizeof(state));
	memset(state, STORE_MEMBER_GIVEN_UP, PHONES);
	memset(state, STORE_MEMBER_VERIFIED | 1, 20);
	state[50] = STORE_MEMBER_REFUSED;
	must(store_campaign_next_id(txn, &c.id), "id");
	must(store_campaign_put(txn, &c), "campaign");
	must(store_campaign_slice_put(txn, c.id, 0, state), "slice");
}

int main(int argc, char **argv)
{
	struct store_env_conf conf = {
		.dir = argv[argc - 1], .map_bytes = MAP_BYTES, .max_readers = 4};
	struct store_group group = {.id = {{0x00, 0xf1, 0x10}, 1}, .created = 1764000000},
			   old = group;
	struct store_service service = {.name = "urn:3gpp:0010120798ac", .group_count = 2};
	struct store_env *env;
	struct store_txn *txn;
	struct store_msk m;
	char why[256];
	store_set set;

	must(store_env_open(&conf, &env, why), why);
	must(store_txn_begin(env, &txn), "begin");
	old.id.group = 2;
	old.profile = STORE_PROFILE_V600;
	must(store_group_put(txn, &group), "group");
	must(store_group_put(txn, &old), "group");
	service.group[0] = group.id;
	service.group[1] = old.id;
	must(store_service_put(txn, &service), "service");
	must(store_set_intern(txn, &service.id, 1, &set), "set");
	for (uint16_t i = 1; i <= 3; i++) {
		m = msk(&group, i,
			(uint8_t[]){STORE_MSK_RETIRED, STORE_MSK_CURRENT, STORE_MSK_NEXT}[i - 1]);
		must(store_msk_put(txn, &m), "msk");
	}
	m = msk(&old, 1, STORE_MSK_CURRENT);
	must(store_msk_put(txn, &m), "msk");
	people_put(txn, set);
	campaign_put(txn, &group);
	must(store_txn_commit(txn), "commit");
	store_env_close(env);
	return 0;
}
