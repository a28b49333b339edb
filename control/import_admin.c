// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// POST /v1/import.

#include "admin.h"
#include "import_run.h"
#include "log.h"

#include <errno.h>

static void *stream_begin(const struct admin_request *req, struct admin_reply *reply)
{
	struct import_order order;
	struct import *imp;
	int err;

	if (admin_query_bool(req, reply, "skip-bad", &order.is_skipping) != 0 ||
		admin_query_bool(req, reply, "dry-run", &order.is_dry) != 0)
		return NULL;
	err = import_begin(req->ctl, &order, &imp);
	if (err == 0)
		return imp;
	if (err == -EBUSY)
		admin_error(reply, 409, "import-running",
			"Another import is running. There can be one at a time.");
	else
		admin_error_store(reply, err, "import");
	return NULL;
}

static int stream_data(void *state, const void *bytes, size_t len)
{
	return import_feed(state, bytes, len);
}

static json_t *line_json(const struct csv_error *error)
{
	return json_pack("{s:I, s:s?, s:s}", "line", (json_int_t)error->line, "column",
		error->column[0] != '\0' ? error->column : NULL, "why", error->why);
}

static json_t *bad_json(const struct import_report *report)
{
	json_t *bad = json_array();

	for (unsigned i = 0; i < report->kept; i++)
		json_array_append_new(bad, line_json(&report->error[i]));
	return bad;
}

static void bad_line_reply(struct admin_reply *reply, const struct import_report *report)
{
	const struct csv_error *first = &report->error[0];
	json_t *line = line_json(first);

	admin_error(reply, 400, "bad-line", "Line %llu%s%s: %s. Nothing was kept.",
		(unsigned long long)first->line, first->column[0] != '\0' ? ", column " : "",
		first->column, first->why);
	json_object_update(reply->body, line);
	json_decref(line);
}

static void outcome_reply(struct admin_reply *reply, const struct import_outcome *outcome,
	const struct import_report *report)
{
	double per_s = outcome->seconds > 0 ? (double)outcome->rows / outcome->seconds : 0;

	reply->body = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "rows",
		(json_int_t)outcome->rows, "added", (json_int_t)outcome->added, "changed",
		(json_int_t)outcome->changed, "unchanged", (json_int_t)outcome->unchanged,
		"skipped", (json_int_t)outcome->skipped, "seconds", outcome->seconds, "per_s",
		per_s, "bad", bad_json(report));
}

static void stream_end(void *state, struct admin_reply *reply)
{
	struct import *imp = state;
	struct import_outcome outcome;
	int err = import_finish(imp, &outcome);

	if (err == -EINVAL) {
		bad_line_reply(reply, import_report(imp));
	} else if (err == -EDQUOT) {
		admin_error(reply, 507, "too-many-subscribers",
			"%u new subscribers are more than store.max_subscribers allows. Nothing "
			"was kept.",
			outcome.added);
	} else if (err != 0) {
		admin_error_store(reply, err, "import");
	} else {
		outcome_reply(reply, &outcome, import_report(imp));
		log_info(outcome.is_dry ? "import-dry-run" : "import",
			"added=%u changed=%u unchanged=%u skipped=%llu seconds=%.3f", outcome.added,
			outcome.changed, outcome.unchanged, (unsigned long long)outcome.skipped,
			outcome.seconds);
	}
	import_destroy(imp);
}

static void stream_cancel(void *state)
{
	import_destroy(state);
}

const struct admin_stream admin_import = {
	.begin = stream_begin,
	.data = stream_data,
	.end = stream_end,
	.cancel = stream_cancel,
};
