// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Names and texts of everything that is counted or refused, from the .def lists.

#include <stddef.h>

#include "cmd.h"
#include "event.h"
#include "stats.h"

struct text {
	const char *name;
	const char *text;
};

static const struct text refusals[] = {
#define DP_REFUSAL(name, number, label, text) [number] = {label, text},
#include "refusal.def"
#undef DP_REFUSAL
};

static const char *const mtk_verdicts[] = {
#define DP_MTK(name, label, text) [DP_MTK_##name] = label,
#include "mtk_verdict.def"
#undef DP_MTK
};

static const char *const drops[] = {
#define DP_DROP(name, label, text) label,
#include "drop.def"
#undef DP_DROP
};

static const char *const stages[] = {
	"due",
	"fetch",
	"route",
	"build",
	"seal",
	"frame",
	"tx",
	"rx",
	"check",
};
_Static_assert(sizeof(stages) / sizeof(stages[0]) == DP_STAGE_COUNT, "each stage has a name");

static const char *const stalls[] = {
	[DP_STALL_NONE] = "none",
	[DP_STALL_PACE] = "pace",
	[DP_STALL_PORT] = "port",
	[DP_STALL_NO_MAC] = "no-gateway-mac",
	[DP_STALL_LINK_DOWN] = "link-down",
	[DP_STALL_PORT_GONE] = "port-gone",
	[DP_STALL_MARK] = "counter-mark",
	[DP_STALL_COUNTER] = "counter-ahead",
	[DP_STALL_PAUSED] = "paused",
	[DP_STALL_HTTP] = "http",
	[DP_STALL_TRIAL] = "trial",
};

static const struct text *refusal_find(unsigned refusal)
{
	static const struct text unknown = {"unknown", "unknown"};

	if (refusal >= sizeof(refusals) / sizeof(refusals[0]) || refusals[refusal].name == NULL)
		return &unknown;
	return &refusals[refusal];
}

const char *dp_refusal_name(unsigned refusal)
{
	return refusal_find(refusal)->name;
}

const char *dp_refusal_text(unsigned refusal)
{
	return refusal_find(refusal)->text;
}

const char *dp_drop_name(enum dp_drop drop)
{
	return drop < DP_DROP_COUNT ? drops[drop] : "unknown";
}

const char *dp_stage_name(enum dp_stage stage)
{
	return stage < DP_STAGE_COUNT ? stages[stage] : "unknown";
}

const char *dp_stall_name(enum dp_stall stall)
{
	return stall < sizeof(stalls) / sizeof(stalls[0]) ? stalls[stall] : "unknown";
}

const char *dp_push_state_name(unsigned state)
{
	static const char *const names[] = {
		[DP_PUSH_NONE] = "none",
		[DP_PUSH_SENT] = "sent",
		[DP_PUSH_VERIFIED] = "verified",
		[DP_PUSH_GIVEN_UP] = "given-up",
		[DP_PUSH_REFUSED] = "refused",
		[DP_PUSH_ENDED] = "ended",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *dp_mtk_verdict_name(unsigned verdict)
{
	return verdict < DP_MTK_VERDICTS ? mtk_verdicts[verdict] : "unknown";
}
