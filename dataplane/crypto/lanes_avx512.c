// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// AVX-512 with VAES: AES on four messages at a time.

#include "lanes_avx512.h"

typedef vec aes;
#define AES_MESSAGES 4

static inline aes aes_broadcast(uint32_t word)
{
	return vec_broadcast(word);
}

static inline aes aes_broadcast16(const uint8_t from[16])
{
	return _mm512_broadcast_i32x4(piece(from));
}

static inline aes aes_load(const uint8_t *const *from)
{
	return pieces_load(from, 0);
}

static inline void aes_store(aes x, uint8_t *const *to, size_t off)
{
	pieces_store(x, to, off);
}

static inline aes aes_xor(aes a, aes b)
{
	return vec_xor(a, b);
}

static inline aes aes_xor3(aes a, aes b, aes c)
{
	return vec_xor3(a, b, c);
}

static inline aes aes_shuffle(aes x, __m128i octets)
{
	return vec_shuffle(x, octets);
}

static inline aes aes_shift4(aes x)
{
	return _mm512_maskz_shuffle_epi32(0xeeee, x, _MM_PERM_CBAA);
}

static inline aes aes_shift8(aes x)
{
	return vec_unpack_lo64(vec_broadcast(0), x);
}

static inline aes aes_round(aes x, aes key)
{
	return _mm512_aesenc_epi128(x, key);
}

static inline aes aes_last_round(aes x, aes key)
{
	return _mm512_aesenclast_epi128(x, key);
}

#include "lanes_body.h"

const struct lanes_isa lanes_avx512 = LANES_ISA("avx512");
