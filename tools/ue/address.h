// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Addresses of phones: 16 octets, an IPv4 address in its mapped form (RFC 4291 2.5.5.2).

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UE_ADDRESS_TEXT 46 // octets the longest text takes, with its end

struct ue_address {
	uint8_t octets[16]; // all zero: none
};

static inline struct ue_address ue_address_v4(const uint8_t octets[4])
{
	struct ue_address address = {.octets = {[10] = 0xff, [11] = 0xff}};

	memcpy(&address.octets[12], octets, 4);
	return address;
}

static inline bool ue_address_equal(const struct ue_address *a, const struct ue_address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool ue_address_is_none(const struct ue_address *address)
{
	return ue_address_equal(address, &(struct ue_address){{0}});
}

// Reads an IPv4 or IPv6 literal of len octets.
bool ue_address_parse(struct ue_address *address, const char *text, size_t len);
// Writes the literal ("" for none) and returns its length.
size_t ue_address_print(char text[UE_ADDRESS_TEXT], const struct ue_address *address);
