// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The letters of a usual B-TID (nai_btid_text()), for who makes many of them in a loop. By SSSE3.

#pragma once

#include <tmmintrin.h>

#include "nai.h"

// 12 octets, in groups of three, to values of six bits: first each group as 2, 1, 3, 2 in a word,
// so that every value lies whole in one half of it; multiplications then shift each its own way.
static inline __m128i nai_sextets(__m128i groups)
{
	__m128i outer = _mm_mulhi_epu16(
		_mm_and_si128(groups, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
	__m128i inner = _mm_mullo_epi16(
		_mm_and_si128(groups, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));

	return _mm_or_si128(outer, inner);
}

// Values of six bits to letters: what is added depends on which of five ranges a value is in.
static inline __m128i nai_letters(__m128i values)
{
	const __m128i range =
		_mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
			'0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
	__m128i is_upper = _mm_cmpgt_epi8(_mm_set1_epi8(26), values);
	__m128i number = _mm_or_si128(_mm_subs_epu8(values, _mm_set1_epi8(51)),
		_mm_and_si128(is_upper, _mm_set1_epi8(13)));

	return _mm_add_epi8(values, _mm_shuffle_epi8(range, number));
}

static inline void nai_text_put(const uint8_t bin[16], char out[NAI_BTID_TEXT])
{
	const __m128i head = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	// The last octet, and nothing where there are no more.
	const __m128i tail =
		_mm_setr_epi8(13, 12, 14, 13, -1, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
	__m128i octets = _mm_loadu_si128((const __m128i *)bin);

	_mm_storeu_si128((__m128i *)out, nai_letters(nai_sextets(_mm_shuffle_epi8(octets, head))));
	// "==" where letters would stand for octets that are not there.
	_mm_storel_epi64((__m128i *)(out + 16),
		_mm_insert_epi16(
			nai_letters(nai_sextets(_mm_shuffle_epi8(octets, tail))), 0x3d3d, 3));
}
