// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "import_report.h"

#include <string.h>

void import_report_init(struct import_report *report)
{
	pthread_mutex_init(&report->lock, NULL);
	report->bad = 0;
	report->kept = 0;
}

void import_report_fini(struct import_report *report)
{
	pthread_mutex_destroy(&report->lock);
}

void import_report_add(struct import_report *report, const struct csv_error *error)
{
	unsigned at;

	pthread_mutex_lock(&report->lock);
	report->bad++;
	at = report->kept;
	while (at > 0 && report->error[at - 1].line > error->line)
		at--;
	if (at < IMPORT_BAD_MAX) {
		unsigned moved = report->kept - at;

		if (report->kept < IMPORT_BAD_MAX)
			report->kept++;
		else
			moved--;
		memmove(&report->error[at + 1], &report->error[at], moved * sizeof(*error));
		report->error[at] = *error;
	}
	pthread_mutex_unlock(&report->lock);
}

bool import_report_wants(struct import_report *report, uint64_t line)
{
	bool wants;

	pthread_mutex_lock(&report->lock);
	wants = report->kept < IMPORT_BAD_MAX || line < report->error[report->kept - 1].line;
	pthread_mutex_unlock(&report->lock);
	return wants;
}
