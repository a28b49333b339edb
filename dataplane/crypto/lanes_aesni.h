// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// AES on one message at a time, by AES-NI.

#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m128i aes;
#define AES_MESSAGES 1

static inline aes aes_broadcast(uint32_t word)
{
	return _mm_set1_epi32((int)word);
}

static inline aes aes_broadcast16(const uint8_t from[16])
{
	return _mm_loadu_si128((const __m128i_u *)from);
}

static inline aes aes_load(const uint8_t *const *from)
{
	return aes_broadcast16(from[0]);
}

static inline void aes_store(aes x, uint8_t *const *to, size_t off)
{
	_mm_storeu_si128((__m128i_u *)(to[0] + off), x);
}

static inline aes aes_xor(aes a, aes b)
{
	return _mm_xor_si128(a, b);
}

static inline aes aes_xor3(aes a, aes b, aes c)
{
	return aes_xor(aes_xor(a, b), c);
}

static inline aes aes_shuffle(aes x, __m128i octets)
{
	return _mm_shuffle_epi8(x, octets);
}

static inline aes aes_shift4(aes x)
{
	return _mm_slli_si128(x, 4);
}

static inline aes aes_shift8(aes x)
{
	return _mm_slli_si128(x, 8);
}

static inline aes aes_round(aes x, aes key)
{
	return _mm_aesenc_si128(x, key);
}

static inline aes aes_last_round(aes x, aes key)
{
	return _mm_aesenclast_si128(x, key);
}
