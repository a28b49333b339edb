// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "import_feeder.h"

#include "conf.h"
#include "dp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct batch {
	size_t n;
	struct store_subscriber row[STORE_IMPORT_CHUNK];
	uint64_t line[STORE_IMPORT_CHUNK];
	enum store_row verdict[STORE_IMPORT_CHUNK];
};

struct import_feeder {
	struct ctl *ctl;
	struct store_import *imp;
	struct import_report *report;
	bool is_skipping;
	struct dp_muk_prep *prep;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t turned;
	struct batch *fill; // parser: rw
	struct batch *work; // thread: rw while is_working, else the parser's
	bool is_working;
	bool stop_requested;
	int err; // the first error, which stays
};

// The packet path needs the HMAC states of a MUK, ready to use.
static int states_prepare(struct import_feeder *feeder, struct batch *batch)
{
	struct store_subscriber *row = batch->row;
	int ret = dp_muk_prep_burst(
		feeder->prep, row->muk.byte, sizeof(*row), &row->muk_state, sizeof(*row), batch->n);

	for (size_t i = 0; i < batch->n; i++) {
		if (!(row[i].flags & STORE_HAS_MUK))
			row[i].muk_state = (struct store_muk_state){0};
	}
	return ret;
}

struct add_job {
	struct store_import *imp;
	struct batch *batch;
};

static int add_run(struct store_env *env, void *arg)
{
	struct add_job *job = arg;

	(void)env;
	return store_import_add(job->imp, job->batch->row, job->batch->n, job->batch->verdict);
}

static void owner_say(struct import_feeder *feeder, const char *btid, struct csv_error *error)
{
	struct store_subscriber owner = {0};
	struct store_reader *r;
	store_id id;

	csv_error_set(error, "btid", "belongs to another subscriber");
	if (ctl_reader_get(feeder->ctl, &r) != 0)
		return;
	id = store_reader_find_btid(r, btid);
	if (id != STORE_ID_NONE && store_reader_subscriber(r, id, &owner) == 0)
		csv_error_set(error, "btid", "belongs to subscriber %.180s", owner.impi);
	ctl_reader_put(feeder->ctl, r);
	explicit_bzero(&owner, sizeof(owner));
}

static void verdict_say(struct import_feeder *feeder, enum store_row verdict,
	const struct store_subscriber *row, struct csv_error *error)
{
	switch (verdict) {
	case STORE_ROW_TAKEN:
		break;
	case STORE_ROW_MALFORMED:
		csv_error_set(error, "", "the store refuses it");
		break;
	case STORE_ROW_IMPI_TWICE:
		csv_error_set(error, "impi", "stands in an earlier line");
		break;
	case STORE_ROW_BTID_TWICE:
		csv_error_set(error, "btid", "stands in an earlier line");
		break;
	case STORE_ROW_BTID_OF_ANOTHER:
		owner_say(feeder, row->btid, error);
		break;
	case STORE_ROW_DAMAGED:
		csv_error_set(error, "impi", "is damaged in the store");
		break;
	}
}

static int verdicts_report(struct import_feeder *feeder, const struct batch *batch)
{
	struct csv_error error = {0};
	bool has_bad = false;

	for (size_t i = 0; i < batch->n; i++) {
		if (batch->verdict[i] == STORE_ROW_TAKEN)
			continue;
		has_bad = true;
		error.line = batch->line[i];
		if (import_report_wants(feeder->report, error.line))
			verdict_say(feeder, batch->verdict[i], &batch->row[i], &error);
		import_report_add(feeder->report, &error);
	}
	return has_bad && !feeder->is_skipping ? -EINVAL : 0;
}

static int batch_work(struct import_feeder *feeder, struct batch *batch)
{
	struct add_job job = {feeder->imp, batch};
	int err;

	err = states_prepare(feeder, batch);
	if (err == 0)
		err = ctl_writer_exclusive(feeder->ctl, add_run, &job);
	if (err == -EINVAL) // -EINVAL is kept for bad rows, and a call like that is a failure
		return -EIO;
	return err != 0 ? err : verdicts_report(feeder, batch);
}

static void *feeder_main(void *arg)
{
	struct import_feeder *feeder = arg;
	int err;

	pthread_setname_np(pthread_self(), "import");
	pthread_mutex_lock(&feeder->lock);
	for (;;) {
		while (!feeder->is_working && !feeder->stop_requested)
			pthread_cond_wait(&feeder->turned, &feeder->lock);
		if (feeder->stop_requested)
			break;
		pthread_mutex_unlock(&feeder->lock);
		err = batch_work(feeder, feeder->work);
		pthread_mutex_lock(&feeder->lock);
		feeder->work->n = 0;
		feeder->is_working = false;
		if (feeder->err == 0)
			feeder->err = err;
		pthread_cond_broadcast(&feeder->turned);
	}
	pthread_mutex_unlock(&feeder->lock);
	return NULL;
}

int import_feeder_create(struct ctl *ctl, struct store_import *imp, struct import_report *report,
	bool is_skipping, struct import_feeder **out)
{
	struct import_feeder *feeder = calloc(1, sizeof(*feeder));
	int err = -ENOMEM;

	if (feeder == NULL)
		return -ENOMEM;
	feeder->ctl = ctl;
	feeder->imp = imp;
	feeder->report = report;
	feeder->is_skipping = is_skipping;
	feeder->fill = calloc(1, sizeof(*feeder->fill));
	feeder->work = calloc(1, sizeof(*feeder->work));
	pthread_mutex_init(&feeder->lock, NULL);
	pthread_cond_init(&feeder->turned, NULL);
	if (feeder->fill != NULL && feeder->work != NULL)
		err = dp_muk_prep_create((unsigned)ctl->conf->workers.crypto, &feeder->prep);
	if (err == 0)
		err = -pthread_create(&feeder->thread, NULL, feeder_main, feeder);
	feeder->has_thread = err == 0;
	if (err != 0) {
		import_feeder_destroy(feeder);
		return err;
	}
	*out = feeder;
	return 0;
}

static void batch_destroy(struct batch *batch)
{
	if (batch != NULL)
		explicit_bzero(batch, sizeof(*batch));
	free(batch);
}

static void thread_stop(struct import_feeder *feeder)
{
	pthread_mutex_lock(&feeder->lock);
	feeder->stop_requested = true;
	pthread_cond_broadcast(&feeder->turned);
	pthread_mutex_unlock(&feeder->lock);
	pthread_join(feeder->thread, NULL);
}

void import_feeder_destroy(struct import_feeder *feeder)
{
	if (feeder == NULL)
		return;
	if (feeder->has_thread)
		thread_stop(feeder);
	dp_muk_prep_destroy(feeder->prep);
	batch_destroy(feeder->fill);
	batch_destroy(feeder->work);
	pthread_cond_destroy(&feeder->turned);
	pthread_mutex_destroy(&feeder->lock);
	free(feeder);
}

struct store_subscriber *import_feeder_place(struct import_feeder *feeder)
{
	return &feeder->fill->row[feeder->fill->n];
}

// Waits until the thread has nothing to do, then gives it the full batch.
static int batches_turn(struct import_feeder *feeder)
{
	struct batch *full = feeder->fill;
	int err;

	pthread_mutex_lock(&feeder->lock);
	while (feeder->is_working)
		pthread_cond_wait(&feeder->turned, &feeder->lock);
	err = feeder->err;
	if (err == 0 && full->n > 0) {
		feeder->fill = feeder->work;
		feeder->work = full;
		feeder->is_working = true;
		pthread_cond_broadcast(&feeder->turned);
	} else {
		full->n = 0;
	}
	pthread_mutex_unlock(&feeder->lock);
	return err;
}

int import_feeder_take(struct import_feeder *feeder, uint64_t line)
{
	struct batch *fill = feeder->fill;

	fill->line[fill->n++] = line;
	return fill->n == STORE_IMPORT_CHUNK ? batches_turn(feeder) : 0;
}

int import_feeder_flush(struct import_feeder *feeder)
{
	int err = batches_turn(feeder);

	// The second turn has nothing to give and waits for the first.
	return err != 0 ? err : batches_turn(feeder);
}
