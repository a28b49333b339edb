// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "import_people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define CHUNK 64

struct chunk {
	struct sim *sim;
	struct store_import *imp;
	unsigned first;
	unsigned n;
	struct store_import_result result;
	struct store_subscriber row[CHUNK];
	enum store_row verdict[CHUNK];
	bool is_taken[CROWD_MAX];
};

static int begin_step(struct store_env *env, void *arg)
{
	struct chunk *chunk = arg;

	int ret = store_import_begin(env, chunk->n, &chunk->imp);

	if (ret == 0 && ctl_may_reuse_ids(&chunk->sim->bmsc.ctl))
		store_import_reuse_ids(chunk->imp);
	return ret;
}

static int set_of(struct chunk *chunk, uint8_t in, store_set *out)
{
	store_service_id list[BMSC_GROUPS];
	size_t n = 0;

	for (unsigned g = 0; g < chunk->sim->bmsc.groups; g++)
		if ((in >> g & 1) != 0)
			list[n++] = chunk->sim->bmsc.service[g];
	return store_import_set(chunk->imp, list, n, out);
}

static int add_step(struct store_env *env, void *arg)
{
	struct chunk *chunk = arg;
	int ret = 0;

	(void)env;
	for (unsigned i = 0; i < chunk->n && ret == 0; i++) {
		struct store_subscriber *row = &chunk->row[i];

		crowd_record(chunk->sim, chunk->first + i, row);
		ret = set_of(
			chunk, (uint8_t)((1u << chunk->sim->bmsc.groups) - 1), &row->authorised);
		if (ret == 0)
			ret = set_of(chunk, chunk->sim->crowd.person[chunk->first + i].in,
				&row->registered);
	}
	if (ret == 0)
		ret = store_import_add(chunk->imp, chunk->row, chunk->n, chunk->verdict);
	for (unsigned i = 0; i < chunk->n && ret == 0; i++)
		chunk->is_taken[chunk->first + i] = chunk->verdict[i] == STORE_ROW_TAKEN;
	return ret;
}

// As import_run.c tells it: of everybody that the import touched.
static int publish_step(struct store_env *env, void *arg)
{
	struct chunk *chunk = arg;
	int ret = store_import_publish(chunk->imp);
	const store_id *changed;
	uint32_t above;
	size_t n;

	(void)env;
	if (ret != 0)
		return ret;
	changed = store_import_changed(chunk->imp, &n);
	for (size_t i = 0; i < n; i++)
		ctl_store_changed(&chunk->sim->bmsc.ctl, changed[i], 1);
	store_import_counts(chunk->imp, &chunk->result);
	above = chunk->result.added - chunk->result.reused;
	if (above > 0)
		ctl_store_changed(&chunk->sim->bmsc.ctl, chunk->result.first_new, above);
	store_import_end(chunk->imp, &chunk->result);
	return 0;
}

static int abort_step(struct store_env *env, void *arg)
{
	struct chunk *chunk = arg;

	(void)env;
	return store_import_abort(chunk->imp);
}

static int rows_add(struct chunk *chunk, unsigned first, unsigned n)
{
	int ret = 0;

	for (unsigned at = 0; at < n && ret == 0; at += CHUNK) {
		chunk->first = first + at;
		chunk->n = n - at < CHUNK ? n - at : CHUNK;
		ret = ctl_writer_exclusive(&chunk->sim->bmsc.ctl, add_step, chunk);
	}
	return ret;
}

static int publish(struct chunk *chunk)
{
	struct ctl *ctl = &chunk->sim->bmsc.ctl;
	int ret;

	do {
		ret = ctl_writer_exclusive(ctl, publish_step, chunk);
	} while (ret == 1);
	return ret;
}

void import_people(struct sim *s, unsigned first, unsigned n)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));
	struct ctl *ctl = &s->bmsc.ctl;
	int ret;

	if (chunk == NULL)
		abort();
	chunk->sim = s;
	chunk->n = n;
	ret = ctl_writer_exclusive(ctl, begin_step, chunk);
	if (ret == 0) {
		ret = rows_add(chunk, first, n);
		if (ret == 0)
			ret = publish(chunk);
		if (ret != 0)
			while (ctl_writer_exclusive(ctl, abort_step, chunk) == 1)
				;
	}
	sim_note(s, "import first=%u n=%u result=%d", first, n, ret);
	for (unsigned i = first; i < first + n; i++) {
		struct person *p = &s->crowd.person[i];

		if (ret == 0 && sim_is_heard(s) && chunk->is_taken[i])
			p->acked = crowd_known(p);
		else if (ret != 0 || s->storage.is_dead)
			crowd_doubt(&p->maybe, crowd_known(p));
	}
	free(chunk);
}
