// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// scenario FILE.scn: tells one story to a BM-SC and its phones in virtual time. 0: all of it
// held.

#include <stdio.h>
#include <stdlib.h>

#include "script.h"
#include "site.h"
#include "ue/site.h"

static struct site site;

static void run_dir_remove(void)
{
	if (site.run_dir[0] != '\0') {
		char command[128];

		snprintf(command, sizeof(command), "rm -rf '%s'", site.run_dir);
		if (system(command) != 0)
			fprintf(stderr, "%s stays behind\n", site.run_dir);
	}
}

// What has to hold at the end of every story.
static void end_judge(struct site *s)
{
	if (!s->is_built)
		script_fail("the story is empty");
	for (int i = 0; i < UE_FINDING_COUNT; i++)
		if (ue_site_finding(s->wire.phones, (enum ue_finding)i) != 0)
			script_fail("the phones found %s", ue_finding_name((enum ue_finding)i));
	for (unsigned i = 0; s->is_running && i < s->shared.workers; i++) {
		const struct worker *w = s->shared.worker[i];
		unsigned held = 0;

		for (unsigned p = 0; p < s->shared.ports; p++)
			held += w->egress[p].out_n + w->egress[p].n - w->egress[p].sent;
		if (wire_is_empty(&s->wire) && rte_mempool_in_use_count(w->pool) != held)
			script_fail("worker %u has lost %u buffers", i,
				rte_mempool_in_use_count(w->pool) - held);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE.scn\n", argv[0]);
		return 2;
	}
	script_at_end(run_dir_remove);
	site_init(&site);
	script_run(&site, argv[1]);
	end_judge(&site);
	site_fini(&site);
	run_dir_remove();
	return 0;
}
