// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "memory.h"

#include <cap-ng.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "reader.h"

static bool is_all_locked; // written before threads begin

static uint64_t limit_bytes(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return 0;
	return limit.rlim_cur == RLIM_INFINITY ||
			capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) != 0
		? UINT64_MAX
		: (uint64_t)limit.rlim_cur;
}

void memory_lock(void)
{
	capng_get_caps_process();
	// With a limit, what is locked first would leave nothing for the keys, and then make every
	// allocation fail.
	is_all_locked = limit_bytes() == UINT64_MAX &&
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

void memory_facts(struct memory_facts *out)
{
	FILE *file = fopen("/proc/self/status", "re");
	struct store_memory_info keys;
	uint64_t anonymous = 0, kb;
	char line[256];

	*out = (struct memory_facts){.limit_bytes = limit_bytes()};
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "VmRSS: %" SCNu64, &kb) == 1)
			out->resident_bytes = kb << 10;
		else if (sscanf(line, "RssAnon: %" SCNu64, &kb) == 1 ||
			sscanf(line, "RssShmem: %" SCNu64, &kb) == 1)
			anonymous += kb << 10;
	}
	if (file != NULL)
		fclose(file);
	store_memory_info(&keys);
	out->locked_bytes = is_all_locked ? anonymous : keys.locked_bytes;
}
