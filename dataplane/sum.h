// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The checksum of IP, UDP and ICMP (RFC 1071): words in the order of the wire, added up and folded.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t sum_pair __attribute__((vector_size(16)));

// The sum of 8 octets or more as 32-bit words: fold it to use it.
static inline uint64_t sum_octets(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;
	sum_pair sum = {0}, high = {0}, x;
	uint64_t last;

	for (; len >= sizeof(x); data += sizeof(x), len -= sizeof(x)) {
		memcpy(&x, data, sizeof(x));
		sum += x & UINT32_MAX;
		high += x >> 32;
	}
	sum += high;
	if (len >= sizeof(last)) {
		memcpy(&last, data, sizeof(last));
		sum[0] += (last & UINT32_MAX) + (last >> 32);
		len -= sizeof(last);
	}
	// Octets before the last ones have been counted.
	memcpy(&last, end - sizeof(last), sizeof(last));
	last = len == 0 ? 0 : last >> (64 - 8 * len);
	return sum[0] + sum[1] + (last & UINT32_MAX) + (last >> 32);
}

// To 16 bits: added to itself with its halves exchanged, a sum has in the upper half the sum of
// both and the carry.
static inline uint16_t sum_fold(uint64_t sum)
{
	uint32_t half = (uint32_t)((sum + (sum >> 32 | sum << 32)) >> 32);

	return (uint16_t)((half + (half >> 16 | half << 16)) >> 16);
}
