// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Pseudo-random numbers that a seed repeats (xoshiro256**, seeded by splitmix64). For what the
// wire does to frames and for made-up phones; never for keys that protect anything real.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ue_rng {
	uint64_t s[4];
};

static inline uint64_t ue_rng_mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void ue_rng_init(struct ue_rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->s[i] = ue_rng_mix(&seed);
}

static inline uint64_t ue_rng_rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t ue_rng_next(struct ue_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = ue_rng_rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = ue_rng_rotl(s[3], 45);
	return result;
}

// A number below bound (bound > 0); the bias of 2^-64 does not matter here.
static inline uint64_t ue_rng_below(struct ue_rng *rng, uint64_t bound)
{
	return (uint64_t)(((unsigned __int128)ue_rng_next(rng) * bound) >> 64);
}

// True in the given percentage of calls. Draws nothing at 0, so that a knob which is off does
// not change what the others do.
static inline bool ue_rng_percent(struct ue_rng *rng, double percent)
{
	if (percent <= 0)
		return false;
	return (double)(ue_rng_next(rng) >> 11) * 0x1p-53 * 100.0 < percent;
}

static inline void ue_rng_fill(struct ue_rng *rng, uint8_t *out, size_t len)
{
	while (len > 0) {
		uint64_t word = ue_rng_next(rng);
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(out, &word, n);
		out += n;
		len -= n;
	}
}
