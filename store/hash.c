// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "hash.h"

#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

static inline struct sip sip_begin(const struct hash_key *key)
{
	return (struct sip){
		.v0 = key->k0 ^ 0x736f6d6570736575,
		.v1 = key->k1 ^ 0x646f72616e646f6d,
		.v2 = key->k0 ^ 0x6c7967656e657261,
		.v3 = key->k1 ^ 0x7465646279746573,
	};
}

static inline void sip_words(struct sip *s, const uint8_t *p, size_t words)
{
	uint64_t m;

	for (; words > 0; words--, p += sizeof(m)) {
		memcpy(&m, p, sizeof(m));
		sip_word(s, m);
	}
}

// The length, and the octets behind the last whole word.
static inline uint64_t last_word(const uint8_t *p, size_t len)
{
	uint64_t last = (uint64_t)len << 56, m;
	size_t left = len % 8;

	if (len > 8 && left > 0) {
		memcpy(&m, p + len - sizeof(m), sizeof(m));
		return last | m >> (64 - 8 * left);
	}
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[len - left + i] << 8 * i;
	return last;
}

static inline void sip_end(struct sip *s, uint64_t last)
{
	sip_word(s, last);
	s->v2 ^= 0xff;
	sip_round(s);
	sip_round(s);
	sip_round(s);
}

static inline uint64_t sip_hash(const struct sip *s)
{
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	struct sip s = sip_begin(key);

	sip_words(&s, data, len / 8);
	sip_end(&s, last_word(data, len));
	return sip_hash(&s);
}

void hash_pair(const struct hash_key *key, const struct hash_text text[2], uint64_t hash[2])
{
	const uint8_t *p = text[0].data, *q = text[1].data;
	size_t n = text[0].len / 8, m = text[1].len / 8, both = n < m ? n : m;
	struct sip s = sip_begin(key), t = s;

	for (size_t i = 0; i < both; i++) {
		sip_words(&s, p + 8 * i, 1);
		sip_words(&t, q + 8 * i, 1);
	}
	sip_words(&s, p + 8 * both, n - both);
	sip_words(&t, q + 8 * both, m - both);
	sip_end(&s, last_word(p, text[0].len));
	sip_end(&t, last_word(q, text[1].len));
	hash[0] = sip_hash(&s);
	hash[1] = sip_hash(&t);
}
