// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "storage.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder.h"

#define CHUNK_BYTES (1u << 20)

struct storage_chunk {
	struct storage_chunk *next;
	size_t used;
	size_t room;
	uint8_t data[];
};

// Calls of libc have no context.
static struct storage *watched;

// --- What was written ------------------------------------------------------------------------

static uint8_t *chunk_take(struct storage *st, size_t len)
{
	struct storage_chunk *chunk = st->chunks;

	if (chunk == NULL || chunk->room - chunk->used < len) {
		size_t room = len > CHUNK_BYTES ? len : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + room);
		if (chunk == NULL)
			abort();
		*chunk = (struct storage_chunk){.next = st->chunks, .room = room};
		st->chunks = chunk;
	}
	chunk->used += len;
	return chunk->data + chunk->used - len;
}

static void chunks_free(struct storage *st)
{
	while (st->chunks != NULL) {
		struct storage_chunk *next = st->chunks->next;

		free(st->chunks);
		st->chunks = next;
	}
}

// --- The listener ----------------------------------------------------------------------------

const char *listener_name(const char *path)
{
	size_t len;

	if (watched == NULL)
		return NULL;
	len = strlen(watched->root);
	if (strncmp(path, watched->root, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return ".";
	return path[len] == '/' ? path + len + 1 : NULL;
}

void listener_take(const struct trace_record *r, const struct iovec *payload, int n)
{
	struct storage *st = watched;
	uint8_t *copy, *at;
	const char *why;

	if (st == NULL || st->is_dead || st->broken != NULL)
		return;
	if (st->dies_at != 0 && st->operations >= st->dies_at) {
		st->is_dead = true;
		return;
	}
	st->operations++;
	// What is written has the number of the process in it, where it is written has not.
	st->digest = (st->digest ^ r->kind ^ r->at << 8) * UINT64_C(0x100000001b3);
	copy = at = chunk_take(st, r->payload);
	for (int i = 0; i < n; i++) {
		memcpy(at, payload[i].iov_base, payload[i].iov_len);
		at += payload[i].iov_len;
	}
	why = disk_take(st->disk, r, copy);
	if (why != NULL)
		st->broken = why;
}

int listener_fault(enum trace_kind kind, const char *name)
{
	struct storage *st = watched;
	int error = 0;

	if (st == NULL || st->is_dead)
		return 0;
	if (kind == TRACE_GROW && st->is_full)
		error = ENOSPC;
	else if (kind != TRACE_GROW && kind != TRACE_CREATE && ue_rng_percent(&st->rng, st->errors))
		error = EIO;
	st->faults += error != 0;
	if (error != 0 && kind == TRACE_SYNC_BEGIN)
		disk_lose(st->disk, name, ue_rng_next(&st->rng));
	return error;
}

// The model knows what a sync makes sure; the real disk below is of no interest.
int listener_sync(int fd, long call)
{
	(void)fd;
	(void)call;
	return 0;
}

// --- Lives -----------------------------------------------------------------------------------

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void directory_remove(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void root_make(struct storage *st)
{
	int len = snprintf(st->root, sizeof(st->root), "%.60s/life-%u", st->base, ++st->lives);

	if (len < 0 || mkdir(st->root, 0700) != 0)
		abort();
}

void storage_path(const struct storage *st, const char *name, char out[STORAGE_PATH])
{
	snprintf(out, STORAGE_PATH, "%s/%.50s", st->base, name);
}

void storage_begin(struct storage *st, uint64_t seed)
{
	*st = (struct storage){0};
	ue_rng_init(&st->rng, seed ^ 0x6469736b);
	// In memory where that is possible.
	snprintf(st->base, sizeof(st->base), "%s/mskpush-sim-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(st->base) == NULL)
		abort();
	root_make(st);
	storage_watch(st);
}

void storage_end(struct storage *st)
{
	watched = NULL;
	disk_destroy(st->disk);
	chunks_free(st);
	directory_remove(st->base);
}

void storage_watch(struct storage *st)
{
	st->disk = disk_create(st->root);
	if (st->disk == NULL)
		abort();
	watched = st;
}

void storage_kill(struct storage *st, uint64_t after)
{
	if (after == 0)
		st->is_dead = true;
	else
		st->dies_at = st->operations + after;
}

void storage_next(struct storage *st, bool is_power_cut)
{
	enum disk_luck luck = DISK_ALL;
	char old[sizeof(st->root)];

	watched = NULL;
	memcpy(old, st->root, sizeof(old));
	root_make(st);
	if (is_power_cut)
		luck = (enum disk_luck)ue_rng_below(&st->rng, DISK_LUCKS);
	if (disk_picture(st->disk, luck, ue_rng_next(&st->rng), st->root) != 0)
		st->broken = "no picture can be taken";
	disk_destroy(st->disk);
	st->disk = NULL;
	chunks_free(st);
	directory_remove(old);
	st->dies_at = 0;
	st->is_dead = false;
}
