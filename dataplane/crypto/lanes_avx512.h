// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// 32 messages side by side in two vectors of 16, by AVX-512 (F, BW, VL). Who includes this adds
// AES.

#pragma once

#include <immintrin.h>

#include "lanes.h"

#define LANES 16
#define LANES_IN_USE (2 * LANES)

typedef __m512i vec;

static inline vec vec_broadcast(uint32_t x)
{
	return _mm512_set1_epi32((int)x);
}

static inline vec vec_load_octets(const uint8_t *from)
{
	return _mm512_loadu_si512(from);
}

static inline vec vec_add(vec a, vec b)
{
	return _mm512_add_epi32(a, b);
}

static inline vec vec_xor(vec a, vec b)
{
	return _mm512_xor_si512(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

// a OR (b XOR c)
static inline vec vec_or_xor(vec a, vec b, vec c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0xf6);
}

static inline vec vec_choose(vec b, vec c, vec d)
{
	return _mm512_ternarylogic_epi32(b, c, d, 0xca);
}

static inline vec vec_majority(vec b, vec c, vec d)
{
	return _mm512_ternarylogic_epi32(b, c, d, 0xe8);
}

static inline vec vec_rol1(vec x)
{
	return _mm512_rol_epi32(x, 1);
}

static inline vec vec_rol5(vec x)
{
	return _mm512_rol_epi32(x, 5);
}

static inline vec vec_rol30(vec x)
{
	return _mm512_rol_epi32(x, 30);
}

static inline bool vec_is_zero(vec x)
{
	return _mm512_test_epi32_mask(x, x) == 0;
}

static inline vec vec_unpack_lo32(vec a, vec b)
{
	return _mm512_unpacklo_epi32(a, b);
}

static inline vec vec_unpack_hi32(vec a, vec b)
{
	return _mm512_unpackhi_epi32(a, b);
}

static inline vec vec_unpack_lo64(vec a, vec b)
{
	return _mm512_unpacklo_epi64(a, b);
}

static inline vec vec_unpack_hi64(vec a, vec b)
{
	return _mm512_unpackhi_epi64(a, b);
}

// --- Inside pieces of 16 octets ---------------------------------------------------------------

// The same for each of them.
static inline vec vec_shuffle(vec x, __m128i octets)
{
	return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(octets));
}

static inline vec vec_swap_octets(vec x)
{
	return vec_shuffle(x, _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

// --- Memory -----------------------------------------------------------------------------------

static inline __m128i piece(const uint8_t *from)
{
	return _mm_loadu_si128((const __m128i_u *)from);
}

static inline vec pieces_load(const uint8_t *const *from, size_t off)
{
	vec x = _mm512_castsi128_si512(piece(from[0] + off));

	x = _mm512_inserti32x4(x, piece(from[4] + off), 1);
	x = _mm512_inserti32x4(x, piece(from[8] + off), 2);
	return _mm512_inserti32x4(x, piece(from[12] + off), 3);
}

static inline void pieces_store(vec x, uint8_t *const *to, size_t off)
{
	_mm_storeu_si128((__m128i_u *)(to[0] + off), _mm512_castsi512_si128(x));
	_mm_storeu_si128((__m128i_u *)(to[4] + off), _mm512_extracti32x4_epi32(x, 1));
	_mm_storeu_si128((__m128i_u *)(to[8] + off), _mm512_extracti32x4_epi32(x, 2));
	_mm_storeu_si128((__m128i_u *)(to[12] + off), _mm512_extracti32x4_epi32(x, 3));
}

static inline vec with_length(vec x, uint32_t bits)
{
	return _mm512_mask_set1_epi32(x, 0x8000, (int)__builtin_bswap32(bits));
}

// Octets that are masked out are not read, wherever they would lie.
static inline void row_pad(uint8_t *row, const uint8_t *from, size_t have, uint32_t bits)
{
	if (have >= 64) {
		_mm512_store_si512(row, _mm512_loadu_si512(from));
		return;
	}
	vec x = _mm512_maskz_loadu_epi8(((__mmask64)1 << have) - 1, from);
	x = _mm512_mask_set1_epi8(x, (__mmask64)1 << have, (char)0x80);
	_mm512_store_si512(row, have < 56 ? with_length(x, bits) : x);
}

// Nothing but a length is left of the message, or nothing at all.
static inline void row_end(uint8_t *row, uint32_t bits)
{
	_mm512_store_si512(row, with_length(_mm512_setzero_si512(), bits));
}

static inline void registers_wipe(void)
{
	__asm__ volatile("vzeroall" ::
				 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#define WIPE(n) __asm__ volatile("vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n ::: "xmm" #n)
	WIPE(16);
	WIPE(17);
	WIPE(18);
	WIPE(19);
	WIPE(20);
	WIPE(21);
	WIPE(22);
	WIPE(23);
	WIPE(24);
	WIPE(25);
	WIPE(26);
	WIPE(27);
	WIPE(28);
	WIPE(29);
	WIPE(30);
	WIPE(31);
#undef WIPE
}
