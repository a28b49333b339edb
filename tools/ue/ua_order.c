// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_order.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "csv.h"
#include "ua_inside.h"

#define KEY_GROUP_TEXT 16
#define SOURCE_BITS_MIN 8 // of a prefix: a /8 has enough addresses

static bool phone_order(
	struct ue_ua *ua, const struct ue_ua_order *order, uint32_t phone, int64_t due)
{
	bool has_any = false;

	for (int i = 0; i < UE_PROCEDURE_COUNT; i++) {
		if ((order->procedures >> i & 1) != 0)
			has_any |= ue_ua_want(ua, phone, (enum ue_procedure)i, order->keys,
				order->key_count, due);
	}
	return has_any;
}

uint32_t ue_ua_order(struct ue_ua *ua, const struct ue_ua_order *order, const struct ue_now *now)
{
	uint32_t total = ua->phones->phone_count, given = 0;

	for (uint32_t i = 0; i < order->count && order->first + i < total; i++) {
		int64_t due = now->mono;

		if (order->rate > 0)
			due += (int64_t)(i * 1e6 / order->rate);
		if (order->spread_us > 0)
			due += (int64_t)ue_rng_below(&ua->rng, (uint64_t)order->spread_us);
		given += phone_order(ua, order, order->first + i, due);
	}
	return given;
}

bool ue_procedures_parse(unsigned *procedures, const char *text)
{
	static const char *const names[UE_PROCEDURE_COUNT] = {
		[UE_REGISTER] = "register", [UE_FETCH] = "fetch", [UE_DEREGISTER] = "deregister"};

	*procedures = 0;
	for (;;) {
		size_t len = strcspn(text, ",");
		unsigned before = *procedures;

		for (int i = 0; i < UE_PROCEDURE_COUNT; i++) {
			if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
				*procedures |= 1u << i;
		}
		if (*procedures == before)
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

bool ue_key_group_parse(struct ue_subject *key, const char *text, size_t len)
{
	char domain[KEY_GROUP_TEXT] = "";
	const char *slash = memchr(text, '/', len), *end = text + len;
	uint8_t group[2];

	*key = (struct ue_subject){.profile = MIKEY_PROFILE_TS33246};
	if (slash == NULL || (size_t)(slash - text) >= sizeof(domain))
		return false;
	memcpy(domain, text, (size_t)(slash - text));
	if (end - slash == 10 && memcmp(end - 5, ":v600", 5) == 0) {
		key->profile = MIKEY_PROFILE_V600;
		end -= 5;
	}
	if (!mikey_kdi_from_text(key->kdi, domain) ||
		!ue_hex_get(group, sizeof(group), slash + 1, (size_t)(end - slash - 1)))
		return false;
	key->group = (uint16_t)(group[0] << 8 | group[1]);
	return true;
}

size_t ue_key_groups_parse(struct ue_subject keys[UE_SUBJECTS_MAX], const char *text)
{
	for (size_t count = 0; count < UE_SUBJECTS_MAX; text++) {
		size_t len = strcspn(text, ",");

		if (!ue_key_group_parse(&keys[count++], text, len))
			return 0;
		text += len;
		if (*text == '\0')
			return count;
	}
	return 0;
}

static bool part_copy(char *out, size_t room, const char *start, const char *end)
{
	size_t len = (size_t)(end - start);

	if (len >= room)
		return false;
	memcpy(out, start, len);
	out[len] = '\0';
	return true;
}

// Printable and without what ends a word in a request.
static bool is_clean(const char *text)
{
	for (; *text != '\0'; text++) {
		if (!isgraph((unsigned char)*text) || *text == '"' || *text == '\\')
			return false;
	}
	return true;
}

bool ue_url_parse(struct ue_url *url, const char *text)
{
	static const char scheme[] = "http://", usual[] = "80";
	const char *host = text + sizeof(scheme) - 1, *path, *end, *colon, *host_end;
	const char *port_text = usual, *port_end = usual + 2;
	unsigned long port;

	if (strncmp(text, scheme, sizeof(scheme) - 1) != 0 || !is_clean(text) ||
		strpbrk(text, "?#@") != NULL)
		return false;
	path = strchrnul(host, '/');
	end = path + strlen(path);
	while (end > path && end[-1] == '/')
		end--;
	host_end = *host == '[' ? memchr(host, ']', (size_t)(path - host)) : host;
	if (host_end == NULL)
		return false;
	colon = memchr(host_end, ':', (size_t)(path - host_end));
	if (colon != NULL) {
		port_text = colon + 1;
		port_end = path;
	}
	host_end = colon != NULL ? colon : path;
	if (!part_copy(url->authority, sizeof(url->authority), host, path) ||
		!part_copy(url->base, sizeof(url->base), path, end) ||
		!part_copy(url->host, sizeof(url->host), host + (*host == '['),
			host_end - (*host == '[')) ||
		!part_copy(url->port, sizeof(url->port), port_text, port_end))
		return false;
	return url->host[0] != '\0' && ue_text_number(ue_text_of(url->port), 65535, &port) &&
		port > 0;
}

bool ue_source_parse(uint32_t *first, uint32_t *count, const char *text)
{
	size_t len = strcspn(text, "/");
	char address[INET_ADDRSTRLEN];
	unsigned long bits = 32;
	struct in_addr in;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	if (text[len] == '/' &&
		(!ue_text_number(ue_text_of(text + len + 1), 32, &bits) || bits < SOURCE_BITS_MIN))
		return false;
	*count = (uint32_t)(UINT64_C(1) << (32 - bits));
	*first = ntohl(in.s_addr) & ~(*count - 1);
	return true;
}
