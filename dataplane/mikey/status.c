// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "mikey.h"

static const struct {
	const char *name;
	const char *text;
} statuses[] = {
#define MIKEY_STATUS(id, name, text) [MIKEY_##id] = {name, text},
#include "status.def"
#undef MIKEY_STATUS
};

const char *mikey_status_name(enum mikey_status status)
{
	return (unsigned)status < MIKEY_STATUS_COUNT ? statuses[status].name : "unknown";
}

const char *mikey_status_text(enum mikey_status status)
{
	return (unsigned)status < MIKEY_STATUS_COUNT ? statuses[status].text : "unknown";
}
