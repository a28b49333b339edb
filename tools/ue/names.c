// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "phones.h"
#include "ue.h"

static const char *const refusals[] = {
#define UE_REFUSAL(NAME, name, text) name,
#include "refusal.def"
#undef UE_REFUSAL
};

static const char *const counts[] = {
#define UE_COUNT(NAME, name, text) name,
#include "count.def"
#undef UE_COUNT
};

static const char *const findings[] = {
#define UE_FINDING(NAME, name, text) name,
#include "finding.def"
#undef UE_FINDING
};

static const char *const ways[] = {
#define UE_WAY(NAME, name, text) name,
#include "way.def"
#undef UE_WAY
};

const char *ue_refusal_name(enum ue_refusal refusal)
{
	return refusal < UE_REFUSAL_COUNT ? refusals[refusal] : "unknown";
}

const char *ue_count_name(enum ue_count count)
{
	return count < UE_COUNT_COUNT ? counts[count] : "unknown";
}

const char *ue_finding_name(enum ue_finding finding)
{
	return finding < UE_FINDING_COUNT ? findings[finding] : "unknown";
}

const char *ue_way_name(enum ue_way way)
{
	return way < UE_WAY_COUNT ? ways[way] : "unknown";
}
