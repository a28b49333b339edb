// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "option_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

#define SECONDS_MAX 1e9

static bool number_read(const char *text, const struct option_row *row, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
		*value >= row->least && *value <= row->most;
}

static bool real_read(const char **text, double most, double *value)
{
	char *end;

	*value = strtod(*text, &end);
	if (end == *text || !(*value >= 0 && *value <= most))
		return false;
	*text = end;
	return true;
}

static bool delay_read(const char *text, double most, struct ue_impairment *impairment)
{
	double delay, jitter = 0;

	if (!real_read(&text, most, &delay))
		return false;
	if (*text == ':') {
		text++;
		if (!real_read(&text, most, &jitter))
			return false;
	}
	impairment->delay_us = (uint32_t)(delay * 1e3);
	impairment->jitter_us = (uint32_t)(jitter * 1e3);
	return *text == '\0';
}

static bool share_read(const char *text, double most, struct ue_share *share)
{
	if (!real_read(&text, most, &share->percent) || *text++ != ':')
		return false;
	return real_read(&text, SECONDS_MAX, &share->seconds) && *text == '\0';
}

// Six hexadecimal octets; a group address cannot be a station's.
static bool mac_read(const char *text, uint8_t mac[6])
{
	for (int i = 0; i < 6; i++) {
		if (strlen(text) < 2 || !ue_hex_get(&mac[i], 1, text, 2))
			return false;
		text += 2;
		if (i < 5 && *text++ != ':')
			return false;
	}
	return *text == '\0' && (mac[0] & 1) == 0;
}

static bool tags_read(const char *text, const struct option_row *row, struct ue_conf *conf)
{
	char *end = (char *)(uintptr_t)text;

	for (conf->vlans = 0; conf->vlans < 2; text = end + 1) {
		unsigned long tag = strtoul(text, &end, 10);

		if (end == text || tag < row->least || tag > row->most)
			return false;
		conf->vlan[conf->vlans++] = (uint16_t)tag;
		if (*end != ':')
			break;
	}
	return *end == '\0';
}

bool option_value_read(const struct option_row *row, const char *text, struct ue_options *options)
{
	void *to = (char *)options + row->offset;
	double percent;

	switch (row->kind) {
	case TEXT:
		*(const char **)to = text;
		return text[0] != '\0' ||
			row->offset == offsetof(struct ue_options, generate.service);
	case NUMBER:
		return number_read(text, row, to);
	case PERCENT:
	case REAL:
		if (!real_read(&text, (double)row->most, &percent) || *text != '\0')
			return false;
		*(double *)to = percent;
		return true;
	case ADDRESS:
		return ue_address_parse(to, text, strlen(text));
	case ADDRESS6:
		return ue_address_parse(to, text, strlen(text)) && strchr(text, ':') != NULL;
	case MAC:
		return mac_read(text, to);
	case DELAY:
		return delay_read(text, (double)row->most, to);
	case TAGS:
		return tags_read(text, row, to);
	case SHARE:
		return share_read(text, (double)row->most, to);
	}
	return false;
}
