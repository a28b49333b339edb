// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "import_sets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 240 // longer cells are worked out each time
#define CELLS 256

struct service {
	char name[STORE_NAME_MAX + 1];
	store_service_id id;
	uint8_t profiles;
};

struct cell {
	size_t len; // 0: the place is free
	char text[CELL_MAX];
	struct import_set result;
};

struct import_sets {
	struct ctl *ctl;
	struct store_import *imp;
	struct service *service; // by name
	size_t services;
	struct cell cell[CELLS]; // by hash; a newcomer takes the place
};

static int service_compare(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int service_add(
	struct import_sets *sets, const struct store_reader *r, const struct store_service *stored)
{
	struct service *grown =
		reallocarray(sets->service, sets->services + 1, sizeof(sets->service[0]));
	struct service *service;
	struct store_group group;

	if (grown == NULL)
		return -ENOMEM;
	sets->service = grown;
	service = &grown[sets->services++];
	memcpy(service->name, stored->name, sizeof(service->name));
	service->id = stored->id;
	service->profiles = 0;
	for (unsigned i = 0; i < stored->group_count; i++) {
		if (store_reader_group(r, &stored->group[i], &group) == 0)
			service->profiles |= (uint8_t)(1u << group.profile);
	}
	return 0;
}

static int services_load(struct import_sets *sets, const struct store_reader *r)
{
	struct store_service stored = {.id = STORE_SERVICE_NONE};
	int err = store_reader_service_next(r, stored.id, &stored);

	while (err == 0) {
		err = service_add(sets, r, &stored);
		if (err == 0)
			err = store_reader_service_next(r, stored.id, &stored);
	}
	if (sets->services > 0)
		qsort(sets->service, sets->services, sizeof(sets->service[0]), service_compare);
	return err == -ENOENT ? 0 : err;
}

int import_sets_create(struct ctl *ctl, struct store_import *imp, struct import_sets **out)
{
	struct import_sets *sets = calloc(1, sizeof(*sets));
	struct store_reader *r;
	int err;

	if (sets == NULL)
		return -ENOMEM;
	sets->ctl = ctl;
	sets->imp = imp;
	err = ctl_reader_get(ctl, &r);
	if (err == 0) {
		err = services_load(sets, r);
		ctl_reader_put(ctl, r);
	}
	if (err != 0) {
		import_sets_destroy(sets);
		return err;
	}
	*out = sets;
	return 0;
}

void import_sets_destroy(struct import_sets *sets)
{
	if (sets == NULL)
		return;
	free(sets->service);
	free(sets);
}

static const struct service *service_find(const struct import_sets *sets, struct csv_text name)
{
	struct service key;

	if (name.len > STORE_NAME_MAX)
		return NULL;
	memcpy(key.name, name.data, name.len);
	key.name[name.len] = '\0';
	return bsearch(&key, sets->service, sets->services, sizeof(key), service_compare);
}

// A name that is unknown may be a key whose column has slipped: nothing that looks like one is
// shown.
static void unknown_service_say(struct csv_text name, char why[CSV_WHY_MAX])
{
	static const char hex[] = "0123456789abcdefABCDEF";
	char shown[64];
	size_t n = name.len < sizeof(shown) - 1 ? name.len : sizeof(shown) - 1;

	for (size_t i = 0; i < n; i++)
		shown[i] = name.data[i] > ' ' && name.data[i] < 0x7f ? name.data[i] : '?';
	shown[n] = '\0';
	if (strspn(shown, hex) >= 16)
		snprintf(why, CSV_WHY_MAX, "a name that looks like a key is no service");
	else
		snprintf(why, CSV_WHY_MAX, "there is no service \"%s\"", shown);
}

// Splits the names off and finds their ids. Returns how many, -EINVAL with why.
static int services_find(const struct import_sets *sets, struct csv_text names,
	store_service_id ids[STORE_SET_MAX], uint8_t *profiles, char why[CSV_WHY_MAX])
{
	int n = 0;

	for (size_t at = 0; at < names.len;) {
		const char *space = memchr(names.data + at, ' ', names.len - at);
		size_t len = space != NULL ? (size_t)(space - names.data) - at : names.len - at;
		struct csv_text name = {names.data + at, len};
		const struct service *service;

		at += len + 1;
		if (len == 0)
			continue;
		service = service_find(sets, name);
		if (service == NULL) {
			unknown_service_say(name, why);
			return -EINVAL;
		}
		if (n == STORE_SET_MAX) {
			snprintf(why, CSV_WHY_MAX, "more than %d services", STORE_SET_MAX);
			return -EINVAL;
		}
		ids[n++] = service->id;
		*profiles |= service->profiles;
	}
	return n;
}

struct intern_job {
	struct store_import *imp;
	const store_service_id *ids;
	size_t n;
	store_set set;
};

static int intern_run(struct store_env *env, void *arg)
{
	struct intern_job *job = arg;

	(void)env;
	return store_import_set(job->imp, job->ids, job->n, &job->set);
}

static int cell_work_out(struct import_sets *sets, struct csv_text names, struct import_set *out,
	char why[CSV_WHY_MAX])
{
	store_service_id ids[STORE_SET_MAX];
	struct intern_job job = {.imp = sets->imp, .ids = ids, .set = STORE_SET_NONE};
	uint8_t profiles = 0;
	int n = services_find(sets, names, ids, &profiles, why);
	int err = 0;

	if (n < 0)
		return n;
	job.n = (size_t)n;
	if (job.n > 0)
		err = ctl_writer_exclusive(sets->ctl, intern_run, &job);
	*out = (struct import_set){.set = job.set, .profiles = profiles};
	// A verdict on the row is ours to give; the store's -EINVAL is a failure.
	return err == -EINVAL ? -EIO : err;
}

// FNV-1a: the cells are the operator's own, and a clash costs one look-up.
static unsigned cell_hash(struct csv_text text)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
	return (hash ^ hash >> 16) % CELLS;
}

int import_sets_find(struct import_sets *sets, struct csv_text names, struct import_set *out,
	char why[CSV_WHY_MAX])
{
	struct cell *cell;
	int err;

	if (names.len == 0 || names.len > CELL_MAX)
		return cell_work_out(sets, names, out, why);
	cell = &sets->cell[cell_hash(names)];
	if (cell->len == names.len && memcmp(cell->text, names.data, names.len) == 0) {
		*out = cell->result;
		return 0;
	}
	err = cell_work_out(sets, names, out, why);
	if (err == 0) {
		cell->len = names.len;
		memcpy(cell->text, names.data, names.len);
		cell->result = *out;
	}
	return err;
}
