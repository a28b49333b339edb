// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

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
