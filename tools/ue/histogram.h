// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Counts of durations in buckets that are at most 1/16 wide: percentiles within 7 percent, in 8 KB,
// whatever the number of values.

#pragma once

#include <stdint.h>

#define UE_HISTOGRAM_BITS 4 // buckets per doubling: 16
#define UE_HISTOGRAM_BUCKETS (60 << UE_HISTOGRAM_BITS)

struct ue_histogram {
	uint64_t count;
	uint64_t largest;
	uint64_t buckets[UE_HISTOGRAM_BUCKETS];
};

// Values below 16 have buckets of their own, others share them by their highest five bits.
static inline unsigned ue_histogram_bucket(uint64_t value)
{
	unsigned doublings;

	if (value < 1u << UE_HISTOGRAM_BITS)
		return (unsigned)value;
	doublings = 63u - (unsigned)__builtin_clzll(value) - UE_HISTOGRAM_BITS;
	return (doublings << UE_HISTOGRAM_BITS) + (unsigned)(value >> doublings);
}

// The largest value of a bucket.
static inline uint64_t ue_histogram_value(unsigned bucket)
{
	unsigned doublings = bucket >> UE_HISTOGRAM_BITS;

	if (doublings <= 1)
		return bucket;
	doublings--;
	return ((uint64_t)(bucket - (doublings << UE_HISTOGRAM_BITS) + 1) << doublings) - 1;
}

static inline void ue_histogram_add(struct ue_histogram *histogram, int64_t value)
{
	uint64_t v = value > 0 ? (uint64_t)value : 0;
	unsigned bucket = ue_histogram_bucket(v);

	if (bucket >= UE_HISTOGRAM_BUCKETS)
		bucket = UE_HISTOGRAM_BUCKETS - 1;
	histogram->buckets[bucket]++;
	histogram->count++;
	if (v > histogram->largest)
		histogram->largest = v;
}

// The smallest bucket's value that `percent` of the values do not exceed; 0 when there is none.
static inline uint64_t ue_histogram_percentile(const struct ue_histogram *histogram, double percent)
{
	double wanted = (double)histogram->count * percent / 100.0;
	uint64_t sum = 0;

	for (unsigned i = 0; i < UE_HISTOGRAM_BUCKETS; i++) {
		sum += histogram->buckets[i];
		if (sum > 0 && (double)sum >= wanted) {
			uint64_t value = ue_histogram_value(i);

			return value < histogram->largest ? value : histogram->largest;
		}
	}
	return 0;
}
