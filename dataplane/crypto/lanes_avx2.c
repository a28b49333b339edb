// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// 16 messages side by side in two vectors of 8, by AVX2 and AES-NI.

#include <immintrin.h>
#include <string.h>

#include "lanes.h"

#define LANES 8
#define LANES_IN_USE (2 * LANES)

typedef __m256i vec;

static inline vec vec_broadcast(uint32_t x)
{
	return _mm256_set1_epi32((int)x);
}

static inline vec vec_load_octets(const uint8_t *from)
{
	return _mm256_loadu_si256((const __m256i_u *)from);
}

static inline vec vec_add(vec a, vec b)
{
	return _mm256_add_epi32(a, b);
}

static inline vec vec_xor(vec a, vec b)
{
	return _mm256_xor_si256(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
	return vec_xor(vec_xor(a, b), c);
}

// a OR (b XOR c)
static inline vec vec_or_xor(vec a, vec b, vec c)
{
	return _mm256_or_si256(a, vec_xor(b, c));
}

static inline vec vec_choose(vec b, vec c, vec d)
{
	return vec_xor(d, _mm256_and_si256(b, vec_xor(c, d)));
}

static inline vec vec_majority(vec b, vec c, vec d)
{
	return vec_xor(c, _mm256_and_si256(vec_xor(b, c), vec_xor(c, d)));
}

static inline vec vec_rol1(vec x)
{
	return _mm256_or_si256(vec_add(x, x), _mm256_srli_epi32(x, 31));
}

static inline vec vec_rol5(vec x)
{
	return _mm256_or_si256(_mm256_slli_epi32(x, 5), _mm256_srli_epi32(x, 27));
}

static inline vec vec_rol30(vec x)
{
	return _mm256_or_si256(_mm256_slli_epi32(x, 30), _mm256_srli_epi32(x, 2));
}

static inline bool vec_is_zero(vec x)
{
	return _mm256_testz_si256(x, x);
}

static inline vec vec_unpack_lo32(vec a, vec b)
{
	return _mm256_unpacklo_epi32(a, b);
}

static inline vec vec_unpack_hi32(vec a, vec b)
{
	return _mm256_unpackhi_epi32(a, b);
}

static inline vec vec_unpack_lo64(vec a, vec b)
{
	return _mm256_unpacklo_epi64(a, b);
}

static inline vec vec_unpack_hi64(vec a, vec b)
{
	return _mm256_unpackhi_epi64(a, b);
}

// --- Inside pieces of 16 octets ---------------------------------------------------------------

static inline vec vec_swap_octets(vec x)
{
	const __m128i octets = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);

	return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(octets));
}

// --- Memory -----------------------------------------------------------------------------------

static inline __m128i piece(const uint8_t *from)
{
	return _mm_loadu_si128((const __m128i_u *)from);
}

static inline vec pieces_load(const uint8_t *const *from, size_t off)
{
	vec x = _mm256_castsi128_si256(piece(from[0] + off));

	return _mm256_inserti128_si256(x, piece(from[4] + off), 1);
}

static inline void pieces_store(vec x, uint8_t *const *to, size_t off)
{
	_mm_storeu_si128((__m128i_u *)(to[0] + off), _mm256_castsi256_si128(x));
	_mm_storeu_si128((__m128i_u *)(to[4] + off), _mm256_extracti128_si256(x, 1));
}

// Nothing but a length is left of the message, or nothing at all.
static inline void row_end(uint8_t *row, uint32_t bits)
{
	memset(row, 0, 60);
	sha1_store_be(row + 60, bits);
}

static inline void row_pad(uint8_t *row, const uint8_t *from, size_t have, uint32_t bits)
{
	if (have >= 64) {
		memcpy(row, from, 64);
		return;
	}
	row_end(row, have < 56 ? bits : 0);
	memcpy(row, from, have);
	row[have] = 0x80;
}

static inline void registers_wipe(void)
{
	__asm__ volatile("vzeroall" ::
				 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#include "lanes_aesni.h"
#include "lanes_body.h"

const struct lanes_isa lanes_avx2 = LANES_ISA("avx2");
