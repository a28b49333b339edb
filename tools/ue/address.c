// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>

// inet_pton() would do for IPv4 as well; a million rows are read faster this way.
static bool v4_parse(uint8_t octets[4], const char *text, size_t len)
{
	size_t at = 0;

	for (int part = 0; part < 4; part++) {
		unsigned value = 0;
		size_t start = at;

		while (at < len && at - start < 3 && text[at] >= '0' && text[at] <= '9')
			value = value * 10 + (unsigned)(text[at++] - '0');
		if (at == start || value > 255)
			return false;
		octets[part] = (uint8_t)value;
		if (part < 3 && (at >= len || text[at++] != '.'))
			return false;
	}
	return at == len;
}

bool ue_address_parse(struct ue_address *address, const char *text, size_t len)
{
	char copy[UE_ADDRESS_TEXT];
	uint8_t v4[4];

	if (v4_parse(v4, text, len)) {
		*address = ue_address_v4(v4);
		return true;
	}
	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, address->octets) == 1;
}

size_t ue_address_print(char text[UE_ADDRESS_TEXT], const struct ue_address *address)
{
	const uint8_t *o = address->octets;
	struct ue_address mapped = ue_address_v4(&o[12]);

	text[0] = '\0';
	if (ue_address_is_none(address))
		return 0;
	if (ue_address_equal(address, &mapped))
		return (size_t)snprintf(
			text, UE_ADDRESS_TEXT, "%u.%u.%u.%u", o[12], o[13], o[14], o[15]);
	if (inet_ntop(AF_INET6, o, text, UE_ADDRESS_TEXT) == NULL)
		return 0;
	return strlen(text);
}
