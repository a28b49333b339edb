// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The path by lanes: what a push costs is SHA-1, and here many messages share its instructions
// from the PSK to the MAC. Blocks that all messages have in common (labels, paddings, the first 64
// octets of a campaign's messages) have their schedule worked out once.
//
// Bursts are cut into groups of as many messages as there are lanes. Lanes without a message of
// their own repeat the last one. Every branch depends on lengths, counts and octets that are on
// the wire, never on a key.

#include "lanes.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "lanes_label.h"

#define IPAD 0x36363636u // RFC 2104
#define OPAD 0x5c5c5c5cu

// What one group works on. Messages stand in the order of falling numbers of blocks.
struct group {
	size_t n; // messages; lanes behind them repeat the last one
	uint32_t shortest; // octets under the MAC
	uint32_t encr_longest;
	const uint8_t *psk[LANES_MAX]; // struct crypto_hmac_state
	const uint8_t *data[LANES_MAX];
	uint32_t len[LANES_MAX]; // octets under the MAC
	uint8_t *mac[LANES_MAX]; // where it goes
	const struct crypto_seal_msg *seal[LANES_MAX]; // where something is sealed
	const uint8_t *const *encr_key;
	const uint8_t *const *salt;
};

struct lanes {
	const struct lanes_isa *isa;
	struct lanes_state initial; // SHA-1's own
	struct digest_block outer_block; // of HMAC's outer hash
	struct digest_block inner_key_block;
	struct digest_block outer_key_block;
	struct lanes_label label;
	// The first block of a message, as the last group shared it.
	bool has_first;
	uint8_t first[SHA1_BLOCK_BYTES];
	struct common_block first_block;
	struct group group;
	struct lanes_scratch scratch;
	struct lanes_rows rows; // wiped where they held a secret
	// Where lanes have their part of both.
	uint8_t *encr_at[LANES_MAX];
	uint8_t *salt_at[LANES_MAX];
	uint8_t *mac_at[LANES_MAX];
	uint8_t *span_at[LANES_MAX];
	const uint8_t *row_at[LANES_MAX];
};

// --- Life -------------------------------------------------------------------------------------

static void key_block_init(struct digest_block *b, uint8_t pad)
{
	uint8_t block[SHA1_BLOCK_BYTES];

	memset(block, pad, sizeof(block));
	digest_block_init(b, block);
}

// A digest that is the second and last block of its message.
static void outer_block_init(struct digest_block *b)
{
	uint8_t block[SHA1_BLOCK_BYTES] = {[SHA1_DIGEST_BYTES] = 0x80};

	sha1_store_be(block + SHA1_BLOCK_BYTES - 4, 8 * (SHA1_BLOCK_BYTES + SHA1_DIGEST_BYTES));
	digest_block_init(b, block);
}

static int lanes_create(const struct lanes_isa *isa, struct lanes **out)
{
	static const uint32_t initial[SHA1_DIGEST_WORDS] = {
		0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	struct lanes *l = aligned_alloc(_Alignof(struct lanes), sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	l->isa = isa;
	isa->state_fill(&l->initial, initial);
	outer_block_init(&l->outer_block);
	key_block_init(&l->inner_key_block, (uint8_t)IPAD);
	key_block_init(&l->outer_key_block, (uint8_t)OPAD);
	for (size_t i = 0; i < LANES_MAX; i++) {
		l->encr_at[i] = l->scratch.encr[i];
		l->salt_at[i] = l->scratch.salt[i];
		l->mac_at[i] = l->scratch.mac[i];
		l->span_at[i] = l->scratch.span[i];
		l->row_at[i] = l->rows.row[i];
	}
	*out = l;
	return 0;
}

void lanes_destroy(struct lanes *l)
{
	if (l == NULL)
		return;
	explicit_bzero(l, sizeof(*l));
	free(l);
}

// --- Derivation -------------------------------------------------------------------------------

// Leaves HMAC(psk, A_1 || label) in digest, with A_1 = HMAC(psk, label): RFC 3830 4.1.2 with m = 1,
// enough for every key of a message.
static void group_derive(struct lanes *l, enum crypto_key_kind kind)
{
	const struct lanes_isa *isa = l->isa;
	const struct label_blocks *b = &l->label.key[kind];
	struct lanes_scratch *s = &l->scratch;

	isa->compress_common(&s->digest, &s->psk_inner, &b->first[0]);
	for (size_t i = 1; i < b->first_count; i++)
		isa->compress_common(&s->digest, &s->digest, &b->first[i]);
	isa->compress_digest(s, &s->digest, &s->psk_outer, &l->outer_block);
	isa->compress_digest(s, &s->digest, &s->psk_inner, &b->head);
	for (size_t i = 0; i < b->rest_count; i++)
		isa->compress_common(&s->digest, &s->digest, &b->rest[i]);
	isa->compress_digest(s, &s->digest, &s->psk_outer, &l->outer_block);
}

// The states of the authentication key, which is in digest.
static void group_auth_states(struct lanes *l)
{
	const struct lanes_isa *isa = l->isa;
	struct lanes_scratch *s = &l->scratch;

	isa->rows_xor(s->next.w, s->digest.w, SHA1_DIGEST_WORDS, OPAD);
	isa->rows_xor(s->digest.w, s->digest.w, SHA1_DIGEST_WORDS, IPAD);
	isa->compress_digest(s, &s->auth_inner, &l->initial, &l->inner_key_block);
	isa->rows_xor(s->digest.w, s->next.w, SHA1_DIGEST_WORDS, 0);
	isa->compress_digest(s, &s->auth_outer, &l->initial, &l->outer_key_block);
}

static void group_auth(struct lanes *l)
{
	group_derive(l, CRYPTO_KEY_AUTH);
	group_auth_states(l);
}

// Encryption and salt keys, to encr_at and salt_at.
static void group_encr_keys(struct lanes *l)
{
	struct lanes_scratch *s = &l->scratch;

	group_derive(l, CRYPTO_KEY_ENCR);
	l->isa->key_store(&s->digest, l->encr_at);
	group_derive(l, CRYPTO_KEY_SALT);
	l->isa->key_store(&s->digest, l->salt_at);
}

// --- Encryption -------------------------------------------------------------------------------

typedef uint64_t piece __attribute__((vector_size(16)));

static piece xor16(const uint8_t *data, const uint8_t *stream)
{
	piece x, y;

	memcpy(&x, data, sizeof(x));
	memcpy(&y, stream, sizeof(y));
	return x ^ y;
}

// 16 to LANES_SPAN_BYTES octets go as two pieces, which may overlap.
static void span_xor(uint8_t *data, const uint8_t *stream, size_t len)
{
	if (len < sizeof(piece)) {
		for (size_t i = 0; i < len; i++)
			data[i] ^= stream[i];
		return;
	}
	size_t last_at = len - sizeof(piece);
	piece first = xor16(data, stream), last = xor16(data + last_at, stream + last_at);
	memcpy(data, &first, sizeof(first));
	memcpy(data + last_at, &last, sizeof(last));
}

static void group_encrypt(struct lanes *l, const uint8_t iv[CRYPTO_IV_BYTES])
{
	const struct group *g = &l->group;

	for (uint32_t done = 0; done < g->encr_longest; done += LANES_SPAN_BYTES) {
		l->isa->keystream(l->span_at, g->encr_key, g->salt, iv, done / 16);
		for (size_t i = 0; i < g->n; i++) {
			const struct crypto_seal_msg *msg = g->seal[i];

			if (msg->encr_len <= done)
				continue;
			uint32_t left = msg->encr_len - done;
			span_xor(msg->data + msg->encr_off + done, l->scratch.span[i],
				left < LANES_SPAN_BYTES ? left : LANES_SPAN_BYTES);
		}
	}
}

// --- MAC --------------------------------------------------------------------------------------

// Hashes the first block, to next, where all messages have the same.
static bool group_first_block(struct lanes *l)
{
	const struct group *g = &l->group;

	if (g->shortest < SHA1_BLOCK_BYTES || !l->isa->is_same_block(g->data))
		return false;
	if (!l->has_first || memcmp(l->first, g->data[0], SHA1_BLOCK_BYTES) != 0) {
		memcpy(l->first, g->data[0], SHA1_BLOCK_BYTES);
		common_block_init(&l->first_block, l->first);
		l->has_first = true;
	}
	l->isa->compress_common(&l->scratch.next, &l->scratch.auth_inner, &l->first_block);
	return true;
}

// Brings block b of each message into the ring.
static void group_block(struct lanes *l, uint32_t b)
{
	const struct group *g = &l->group;

	if (g->shortest >= (b + 1) * SHA1_BLOCK_BYTES) {
		l->isa->block_load(&l->scratch, g->data, b * SHA1_BLOCK_BYTES);
		return;
	}
	l->isa->rows_pad(&l->rows, g->data, g->len, b);
	l->isa->block_load(&l->scratch, l->row_at, 0);
}

// One more block, b, for the messages that have it; the others keep what is in next.
static void group_compress_some(struct lanes *l, const struct lanes_state *from, uint32_t b)
{
	struct lanes_scratch *s = &l->scratch;
	size_t active = l->isa->lanes;

	while (sha1_blocks(l->group.len[active - 1]) <= b)
		active--;
	l->isa->compress(s, &s->digest, from);
	for (size_t i = 0; i < SHA1_DIGEST_WORDS; i++)
		memcpy(s->next.w[i], s->digest.w[i], active * sizeof(s->next.w[i][0]));
}

// HMAC-SHA-1 under the keys of auth_inner and auth_outer, to g->mac. All messages have a first
// block, so the second one finds something in next.
static void group_mac(struct lanes *l)
{
	struct lanes_scratch *s = &l->scratch;
	const struct group *g = &l->group;
	const struct lanes_state *from = &s->auth_inner;
	uint32_t most = sha1_blocks(g->len[0]), least = sha1_blocks(g->len[l->isa->lanes - 1]);
	uint32_t b = 0;

	if (group_first_block(l)) {
		from = &s->next;
		b = 1;
	}
	for (; b < most; b++, from = &s->next) {
		group_block(l, b);
		if (b < least)
			l->isa->compress(s, &s->next, from);
		else
			group_compress_some(l, from, b);
	}
	l->isa->rows_xor(s->digest.w, s->next.w, SHA1_DIGEST_WORDS, 0);
	l->isa->compress_digest(s, &s->digest, &s->auth_outer, &l->outer_block);
	l->isa->state_store(s, &s->digest, g->mac, LANES_BIG_ENDIAN);
}

// --- Groups -----------------------------------------------------------------------------------

// The order in which the messages of a burst go: by falling number of blocks, so that those that
// end at the same block meet in a group. Mostly all have the same number.
struct order {
	uint16_t len[CRYPTO_BURST];
	uint8_t at[CRYPTO_BURST];
};

static void order_init(struct order *o, size_t n)
{
	uint16_t most = 0, least = UINT16_MAX;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		most = o->len[i] > most ? o->len[i] : most;
		least = o->len[i] < least ? o->len[i] : least;
	}
	for (size_t i = 0; i < CRYPTO_BURST; i++)
		o->at[i] = (uint8_t)i;
	if (sha1_blocks(most) == sha1_blocks(least))
		return;
	for (uint32_t blocks = sha1_blocks(most); blocks >= sha1_blocks(least); blocks--)
		for (size_t i = 0; i < n; i++)
			if (sha1_blocks(o->len[i]) == blocks)
				o->at[at++] = (uint8_t)i;
}

static void group_begin(struct group *g)
{
	g->n = 0;
	g->shortest = UINT32_MAX;
	g->encr_longest = 0;
}

static void group_add(struct group *g, const struct crypto_hmac_state *psk, const uint8_t *data,
	uint32_t len, uint8_t *mac)
{
	g->psk[g->n] = (const uint8_t *)psk;
	g->data[g->n] = data;
	g->len[g->n] = len;
	g->mac[g->n] = mac;
	g->shortest = len < g->shortest ? len : g->shortest;
	g->n++;
}

// Gives the lanes that are left something to do.
static void group_end(struct lanes *l)
{
	struct group *g = &l->group;
	size_t last = g->n - 1;

	for (size_t i = g->n; i < l->isa->lanes; i++) {
		g->psk[i] = g->psk[last];
		g->data[i] = g->data[last];
		g->len[i] = g->len[last];
		g->mac[i] = l->mac_at[i];
	}
}

// --- The path ---------------------------------------------------------------------------------

static size_t some_of(const struct lanes *l, size_t left)
{
	return left < l->isa->lanes ? left : l->isa->lanes;
}

static void psk_load(struct lanes *l)
{
	l->isa->states_load(&l->scratch.psk_inner, &l->scratch.psk_outer, l->group.psk);
}

static void group_seal_begin(
	struct lanes *l, struct crypto_seal_msg *msgs, const uint8_t *order, size_t n)
{
	struct group *g = &l->group;

	group_begin(g);
	for (size_t i = 0; i < n; i++) {
		struct crypto_seal_msg *msg = &msgs[order[i]];

		group_add(g, msg->psk, msg->data, msg->mac_off, msg->data + msg->mac_off);
		g->seal[i] = msg;
		if (msg->encr_len > g->encr_longest)
			g->encr_longest = msg->encr_len;
	}
	group_end(l);
}

static void order_seals(struct order *o, const struct crypto_seal_msg *msgs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		o->len[i] = msgs[i].mac_off;
	order_init(o, n);
}

static void seal(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	struct crypto_seal_msg *msgs, size_t n)
{
	struct lanes *l = c->lanes;
	uint8_t iv[CRYPTO_IV_BYTES];
	struct order order;

	lanes_label_set(&l->label, label);
	crypto_iv_init(iv, label->csb_id, counter);
	order_seals(&order, msgs, n);
	l->group.encr_key = (const uint8_t *const *)l->encr_at;
	l->group.salt = (const uint8_t *const *)l->salt_at;
	for (size_t at = 0; at < n; at += l->isa->lanes) {
		group_seal_begin(l, msgs, order.at + at, some_of(l, n - at));
		psk_load(l);
		if (l->group.encr_longest > 0) {
			group_encr_keys(l);
			group_encrypt(l, iv);
		}
		group_auth(l);
		group_mac(l);
	}
	l->isa->wipe(&l->scratch);
}

static void seal_staged(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
	const struct crypto_staged_keys *const *staged, struct crypto_seal_msg *msgs, size_t n)
{
	struct lanes *l = c->lanes;
	struct group *g = &l->group;
	const uint8_t *encr_key[LANES_MAX], *salt[LANES_MAX];
	struct order order;

	g->encr_key = encr_key;
	g->salt = salt;
	order_seals(&order, msgs, n);
	for (size_t at = 0; at < n; at += l->isa->lanes) {
		group_seal_begin(l, msgs, order.at + at, some_of(l, n - at));
		for (size_t i = 0; i < l->isa->lanes; i++) {
			size_t from = at + (i < g->n ? i : g->n - 1);
			const struct crypto_staged_keys *keys = staged[order.at[from]];

			g->psk[i] = (const uint8_t *)&keys->auth;
			encr_key[i] = keys->encr;
			salt[i] = keys->salt;
		}
		l->isa->states_load(&l->scratch.auth_inner, &l->scratch.auth_outer, g->psk);
		group_encrypt(l, iv);
		group_mac(l);
	}
	l->isa->wipe(&l->scratch);
}

static void check(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good)
{
	struct lanes *l = c->lanes;
	struct order order;

	lanes_label_set(&l->label, label);
	for (size_t i = 0; i < n; i++)
		order.len[i] = msgs[i].len;
	order_init(&order, n);
	for (size_t at = 0; at < n; at += l->isa->lanes) {
		size_t some = some_of(l, n - at);

		group_begin(&l->group);
		for (size_t i = 0; i < some; i++) {
			const struct crypto_check_msg *msg = &msgs[order.at[at + i]];
			group_add(&l->group, msg->psk, msg->data, msg->len, l->mac_at[i]);
		}
		group_end(l);
		psk_load(l);
		group_auth(l);
		group_mac(l);
		for (size_t i = 0; i < some; i++) {
			size_t from = order.at[at + i];
			is_good[from] = crypto_equal(l->mac_at[i], msgs[from].mac, MIKEY_MAC_BYTES);
		}
	}
	l->isa->wipe(&l->scratch);
}

// Writes inner and outer states of the group to states[0..n).
static void states_write(struct lanes *l, uint8_t *states, size_t stride, size_t n)
{
	struct lanes_scratch *s = &l->scratch;
	uint8_t *inner[LANES_MAX], *outer[LANES_MAX];

	for (size_t i = 0; i < l->isa->lanes; i++) {
		uint8_t *state = states + i * stride;

		inner[i] = i < n ? state + offsetof(struct crypto_hmac_state, inner) : l->mac_at[i];
		outer[i] = i < n ? state + offsetof(struct crypto_hmac_state, outer) : l->mac_at[i];
	}
	l->isa->state_store(s, &s->auth_inner, inner, LANES_HOST_ORDER);
	l->isa->state_store(s, &s->auth_outer, outer, LANES_HOST_ORDER);
}

static void derive(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *const *psks, size_t n, struct crypto_staged_keys *out)
{
	struct lanes *l = c->lanes;

	lanes_label_set(&l->label, label);
	for (size_t at = 0; at < n; at += l->isa->lanes) {
		size_t some = some_of(l, n - at);

		group_begin(&l->group);
		for (size_t i = 0; i < some; i++)
			group_add(&l->group, psks[at + i], NULL, 0, NULL);
		group_end(l);
		psk_load(l);
		group_encr_keys(l);
		group_auth(l);
		states_write(l, (uint8_t *)&out[at].auth, sizeof(*out), some);
		for (size_t i = 0; i < some; i++) {
			memcpy(out[at + i].encr, l->encr_at[i], MIKEY_ENCR_KEY_BYTES);
			memset(out[at + i].salt, 0, sizeof(out[at + i].salt));
			memcpy(out[at + i].salt, l->salt_at[i], MIKEY_SALT_KEY_BYTES);
		}
	}
	l->isa->wipe(&l->scratch);
}

// The state after the block in l->rows XOR pad.
static void key_state(struct lanes *l, struct lanes_state *state, uint32_t pad)
{
	struct lanes_scratch *s = &l->scratch;

	l->isa->block_load(s, l->row_at, 0);
	l->isa->rows_xor(s->ring, s->ring, 16, pad);
	l->isa->compress(s, state, &l->initial);
}

static void hmac_states(struct crypto *c, const uint8_t *keys, size_t key_stride, size_t key_len,
	struct crypto_hmac_state *states, size_t n)
{
	struct lanes *l = c->lanes;

	memset(&l->rows, 0, sizeof(l->rows));
	for (size_t at = 0; at < n; at += l->isa->lanes) {
		size_t some = some_of(l, n - at);

		for (size_t i = 0; i < some; i++)
			memcpy(l->rows.row[i], keys + (at + i) * key_stride, key_len);
		key_state(l, &l->scratch.auth_inner, IPAD);
		key_state(l, &l->scratch.auth_outer, OPAD);
		states_write(l, (uint8_t *)&states[at], sizeof(*states), some);
	}
	explicit_bzero(&l->rows, sizeof(l->rows));
	l->isa->wipe(&l->scratch);
}

static size_t compressions(struct crypto *c, size_t n)
{
	struct lanes *l = c->lanes;
	struct lanes_scratch *s = &l->scratch;
	size_t done = 0;

	for (; done < n; done += l->isa->lanes)
		l->isa->compress(s, &s->next, &s->next);
	l->isa->wipe(&l->scratch);
	return done;
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes");
}

static bool has_avx512_aesni(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

// CPUID leaf 7, bit 9 of ECX is VAES: __builtin_cpu_supports() of clang 14 has no name for it.
static bool has_avx512(void)
{
	unsigned eax, ebx, ecx, edx;

	return has_avx512_aesni() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
		(ecx & 1u << 9) != 0;
}

static int create_avx512(struct crypto *c)
{
	return lanes_create(&lanes_avx512, &c->lanes);
}

static int create_avx512_aesni(struct crypto *c)
{
	return lanes_create(&lanes_avx512_aesni, &c->lanes);
}

static int create_avx2(struct crypto *c)
{
	return lanes_create(&lanes_avx2, &c->lanes);
}

#define LANES_PATH(text, is_available_here, create_it)                                      \
	{                                                                                   \
		.name = (text), .is_available = (is_available_here), .create = (create_it), \
		.hmac_states = hmac_states, .seal = seal, .check = check, .derive = derive, \
		.seal_staged = seal_staged, .compress = compressions,                       \
	}

const struct crypto_path crypto_path_avx512 = LANES_PATH("avx512", has_avx512, create_avx512);
const struct crypto_path crypto_path_avx512_aesni =
	LANES_PATH("avx512-aesni", has_avx512_aesni, create_avx512_aesni);
const struct crypto_path crypto_path_avx2 = LANES_PATH("avx2", has_avx2, create_avx2);
