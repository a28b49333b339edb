// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_items.h"

const char *ua_procedure_name(enum ua_procedure procedure)
{
	static const char *const names[] = {
		[UA_REGISTER] = "register",
		[UA_DEREGISTER] = "deregister",
		[UA_MSK_REQUEST] = "msk-request",
		[UA_NO_PROCEDURE] = "none",
	};

	return names[procedure];
}

const char *ua_item_code(enum ua_item_code code)
{
	static const char *const codes[] = {
#define UA_ITEM(name, code, text) [UA_ITEM_##name] = code,
#include "ua_item.def"
#undef UA_ITEM
	};

	return codes[code];
}
