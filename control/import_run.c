// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "import_run.h"

#include "gba.h"
#include "import_feeder.h"
#include "import_sets.h"
#include "log.h"
#include "writer_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct import {
	struct ctl *ctl;
	struct import_order order;
	struct gba *gba;
	struct csv *csv;
	struct store_import *store; // writer thread: rw, but for the pointer
	struct import_sets *sets;
	struct import_feeder *feeder;
	struct import_report report;
	int64_t begun_ns;
	int err;
	// Ids that publishing makes new or changed. Filled before the first step of it.
	struct writer_ranges changed;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// --- In the writer's thread ----------------------------------------------------------------

static int store_begin_run(struct store_env *env, void *arg)
{
	struct import *imp = arg;
	int ret = store_import_begin(env, 0, &imp->store);

	// Nobody is removed from now on: a campaign that is opened later does not know those who
	// had the places.
	if (ret == 0 && ctl_may_reuse_ids(imp->ctl))
		store_import_reuse_ids(imp->store);
	return ret;
}

static int store_abort_run(struct store_env *env, void *arg)
{
	struct import *imp = arg;

	(void)env;
	return store_import_abort(imp->store);
}

// Each step that changes what workers can see tells them all the ids at stake: they raise the
// counters before they take the new snapshot.
static int store_publish_run(struct store_env *env, void *arg)
{
	struct import *imp = arg;
	int more = store_import_publish(imp->store);

	(void)env;
	if (more < 0 || !store_import_is_visible(imp->store))
		return more;
	for (unsigned i = 0; i < imp->changed.n; i++)
		ctl_store_changed(imp->ctl, imp->changed.range[i].first, imp->changed.range[i].n);
	return more;
}

struct end_job {
	struct import *imp;
	struct store_import_result result;
};

static int store_end_run(struct store_env *env, void *arg)
{
	struct end_job *job = arg;

	(void)env;
	store_import_end(job->imp->store, &job->result);
	return 0;
}

// --- In the caller's -----------------------------------------------------------------------

static int parts_create(struct import *imp)
{
	int err = gba_create(&imp->gba);

	if (err == 0)
		err = csv_create(imp->gba, &imp->csv);
	if (err == 0)
		err = ctl_writer_exclusive(imp->ctl, store_begin_run, imp);
	if (err == 0)
		err = import_sets_create(imp->ctl, imp->store, &imp->sets);
	if (err == 0)
		err = import_feeder_create(
			imp->ctl, imp->store, &imp->report, imp->order.is_skipping, &imp->feeder);
	return err;
}

int import_begin(struct ctl *ctl, const struct import_order *order, struct import **out)
{
	struct import *imp = calloc(1, sizeof(*imp));
	int err;

	if (imp == NULL)
		return -ENOMEM;
	imp->ctl = ctl;
	imp->order = *order;
	imp->begun_ns = now_ns();
	import_report_init(&imp->report);
	err = parts_create(imp);
	if (err != 0) {
		import_destroy(imp);
		return err;
	}
	*out = imp;
	return 0;
}

struct import_report *import_report(struct import *imp)
{
	return &imp->report;
}

static void store_abort(struct import *imp)
{
	int more = imp->store != NULL;

	while (more > 0)
		more = ctl_writer_exclusive(imp->ctl, store_abort_run, imp);
	if (more < 0)
		log_error("import-abort-failed", "errno=%d", -more);
	imp->store = NULL;
}

void import_destroy(struct import *imp)
{
	if (imp == NULL)
		return;
	import_feeder_destroy(imp->feeder);
	store_abort(imp);
	import_sets_destroy(imp->sets);
	csv_destroy(imp->csv);
	gba_destroy(imp->gba);
	import_report_fini(&imp->report);
	free(imp);
}

// Keys in UICC: the longest message to this subscriber has to fit. One without services is
// measured by the usual profile.
static int uicc_check(struct import *imp, const struct store_subscriber *sub, uint8_t profiles,
	struct csv_error *error)
{
	char why[256];

	if (!(sub->flags & STORE_IN_UICC) || sub->btid[0] == '\0')
		return 0;
	if (profiles == 0)
		profiles = 1u << STORE_PROFILE_TS33246;
	for (unsigned profile = STORE_PROFILE_TS33246; profile <= STORE_PROFILE_V600; profile++) {
		if (!(profiles >> profile & 1) ||
			ctl_uicc_check(imp->ctl, profile, strlen(sub->btid), why) == 0)
			continue;
		csv_error_set(error, "btid", "%s", why);
		return -EINVAL;
	}
	return 0;
}

static bool is_none(struct csv_text names)
{
	return names.len == 1 && names.data[0] == '-';
}

static int sets_fill(struct import *imp, const struct csv_row *row, struct store_subscriber *sub,
	struct csv_error *error)
{
	struct import_set authorised, registered;
	char why[CSV_WHY_MAX];
	int err = import_sets_find(imp->sets, row->services, &authorised, why);

	if (err == -EINVAL)
		csv_error_set(error, "services", "%s", why);
	if (err != 0)
		return err;
	registered = authorised;
	if (is_none(row->registered))
		registered.set = STORE_SET_NONE;
	else if (row->registered.len > 0)
		err = import_sets_find(imp->sets, row->registered, &registered, why);
	if (err == -EINVAL)
		csv_error_set(error, "registered", "%s", why);
	if (err != 0)
		return err;
	sub->authorised = authorised.set;
	sub->registered = registered.set;
	return uicc_check(imp, sub, authorised.profiles, error);
}

// A bad line ends the import unless it is skipped. Rows before it may be bad as well, and then
// it is the first of them that is named.
static int line_refuse(struct import *imp, const struct csv_error *error)
{
	import_report_add(&imp->report, error);
	if (imp->order.is_skipping)
		return 0;
	import_feeder_flush(imp->feeder);
	return -EINVAL;
}

static int row_take(struct import *imp, struct store_subscriber *sub, const struct csv_row *row)
{
	struct csv_error error = {.line = row->line};
	int err = sets_fill(imp, row, sub, &error);

	if (err == -EINVAL)
		return line_refuse(imp, &error);
	if (err != 0)
		return err;
	return import_feeder_take(imp->feeder, row->line);
}

static int rows_take(struct import *imp)
{
	struct csv_error error = {0};
	struct csv_row row;
	int err = 0;

	while (err == 0) {
		struct store_subscriber *sub = import_feeder_place(imp->feeder);

		switch (csv_next(imp->csv, sub, &row, &error)) {
		case CSV_MORE:
			return 0;
		case CSV_ROW:
			err = row_take(imp, sub, &row);
			break;
		case CSV_BAD:
			err = line_refuse(imp, &error);
			break;
		case CSV_BROKEN:
			import_report_add(&imp->report, &error);
			err = -EINVAL;
			break;
		}
	}
	return err;
}

int import_feed(struct import *imp, const char *data, size_t len)
{
	if (imp->err == 0) {
		csv_feed(imp->csv, data, len);
		imp->err = rows_take(imp);
	}
	return imp->err;
}

// Notes what publishing will change, and whether there is room for it.
static int changes_note(struct import *imp, struct import_outcome *outcome)
{
	struct store_import_result counts;
	const store_id *ids;
	uint32_t above;
	size_t n;

	store_import_counts(imp->store, &counts);
	outcome->added = counts.added;
	outcome->changed = counts.changed;
	outcome->unchanged = counts.unchanged;
	above = counts.added - counts.reused;
	if (above > 0 && (uint64_t)counts.first_new + above > ctl_max_subscribers(imp->ctl))
		return -EDQUOT;
	ids = store_import_changed(imp->store, &n);
	for (size_t i = 0; i < n; i++)
		writer_ranges_add(&imp->changed, ids[i], 1);
	writer_ranges_add(&imp->changed, counts.first_new, above);
	return 0;
}

static int store_publish(struct import *imp)
{
	struct end_job job = {.imp = imp};
	int more = 1;

	while (more > 0)
		more = ctl_writer_exclusive(imp->ctl, store_publish_run, imp);
	if (more < 0) // -EINVAL is kept for bad lines
		return more == -EINVAL ? -EIO : more;
	// Published is published: should this fail, aborting only frees.
	if (ctl_writer_exclusive(imp->ctl, store_end_run, &job) == 0)
		imp->store = NULL;
	return 0;
}

int import_finish(struct import *imp, struct import_outcome *outcome)
{
	*outcome = (struct import_outcome){0};
	if (imp->err == 0) {
		csv_feed(imp->csv, "", 0);
		csv_finish(imp->csv);
		imp->err = rows_take(imp);
	}
	if (imp->err == 0)
		imp->err = import_feeder_flush(imp->feeder);
	if (imp->err == 0)
		imp->err = changes_note(imp, outcome);
	if (imp->err == 0 && !imp->order.is_dry)
		imp->err = store_publish(imp);
	if (imp->store != NULL) {
		import_feeder_destroy(imp->feeder);
		imp->feeder = NULL;
		store_abort(imp);
	}
	outcome->is_dry = imp->order.is_dry;
	outcome->skipped = imp->report.bad;
	outcome->rows =
		(uint64_t)outcome->added + outcome->changed + outcome->unchanged + outcome->skipped;
	outcome->seconds = (double)(now_ns() - imp->begun_ns) / 1e9;
	return imp->err;
}
