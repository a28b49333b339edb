// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The counter mark (design: docs/architecture.md): two sectors written in turn. A write that is
// torn by a crash spoils one of them at most, and the other holds the mark before.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "files.h"
#include "hash.h"
#include "meta.h"
#include "numbers.h"

#define MARK_VERSION 1
#define SECTOR_BYTES 512
#define MARK_FILE "counter.mark"
#define MARK_NEW "counter.mark.new"

struct mark_record {
	char magic[8];
	uint32_t version;
	uint32_t mark;
	uint64_t sequence;
	uint8_t machine_id[16];
	uint32_t mtk_reservations;
	uint32_t clock; // the latest one seen; 0 in files of before there was this
	uint8_t spare[456];
	uint64_t checksum; // SipHash-1-3 under the zero key of all before it
};
_Static_assert(sizeof(struct mark_record) == SECTOR_BYTES, "a mark fills one sector");

static const char mark_magic[8] = "mskmark";

struct store_mark {
	int fd;
	struct mark_record last;
	struct numbers numbers;
	struct store_env *env; // that keeps its Key Numbers here; NULL
};

static uint64_t checksum(const struct mark_record *r)
{
	static const struct hash_key zero;

	return hash_bytes(&zero, r, offsetof(struct mark_record, checksum));
}

static bool is_good(const struct mark_record *r)
{
	return memcmp(r->magic, mark_magic, sizeof(mark_magic)) == 0 &&
		r->version == MARK_VERSION && r->checksum == checksum(r);
}

static int sector_write(struct store_mark *m, struct mark_record *r)
{
	off_t at = (off_t)(r->sequence % 2) * SECTOR_BYTES;

	r->checksum = checksum(r);
	if (pwrite(m->fd, r, sizeof(*r), at) != (ssize_t)sizeof(*r))
		return errno != 0 ? -errno : -EIO;
	return 0;
}

static int file_sync(const struct store_mark *m)
{
	return fdatasync(m->fd) == 0 ? 0 : -errno;
}

static int sectors_begin(struct store_mark *m, const uint8_t machine_id[16])
{
	struct mark_record first = {.version = MARK_VERSION};
	int rc = -posix_fallocate(m->fd, 0, 2 * SECTOR_BYTES);

	memcpy(first.magic, mark_magic, sizeof(first.magic));
	memcpy(first.machine_id, machine_id, sizeof(first.machine_id));
	for (unsigned i = 0; i < 2 && rc == 0; i++) {
		first.sequence = i;
		rc = sector_write(m, &first);
	}
	m->last = first;
	return rc == 0 ? file_sync(m) : rc;
}

// Makes the file under another name: a start that ends in between, by a crash or for want of room,
// leaves none that looks damaged.
static int mark_create(struct store_mark *m, const char *dir, const uint8_t machine_id[16])
{
	char why[WHY_BYTES];
	int rc = file_open(dir, MARK_NEW, O_CREAT | O_TRUNC, &m->fd, why);

	if (rc == 0)
		rc = sectors_begin(m, machine_id);
	if (rc == 0)
		rc = file_install(dir, MARK_NEW, MARK_FILE);
	if (rc != 0)
		file_remove(dir, MARK_NEW);
	return rc;
}

static int mark_read(
	struct store_mark *m, const uint8_t machine_id[16], enum store_mark_state *state)
{
	struct mark_record r[2];
	bool good[2] = {false, false};

	for (unsigned i = 0; i < 2; i++) {
		ssize_t n = pread(m->fd, &r[i], sizeof(r[i]), (off_t)i * SECTOR_BYTES);

		good[i] = n == (ssize_t)sizeof(r[i]) && is_good(&r[i]);
	}
	if (!good[0] && !good[1])
		return -EUCLEAN;
	m->last = good[0] && (!good[1] || r[0].sequence > r[1].sequence) ? r[0] : r[1];
	// A write that was cut off, of which nobody was told yet, and one that was damaged later
	// look the same.
	if (!good[0] || !good[1])
		*state = STORE_MARK_HALF;
	// A daemon that died right after it made the file has left no mark.
	else if (m->last.mark == 0)
		*state = STORE_MARK_MISSING;
	else if (memcmp(m->last.machine_id, machine_id, sizeof(m->last.machine_id)) != 0)
		*state = STORE_MARK_OTHER_MACHINE;
	else
		*state = STORE_MARK_OK;
	memcpy(m->last.machine_id, machine_id, 16);
	return 0;
}

// 0 when there is a file with something in it; -ENOENT when there is none.
static int mark_find(struct store_mark *m, const char *dir)
{
	char why[WHY_BYTES];
	struct stat st;
	int rc = file_open(dir, MARK_FILE, 0, &m->fd, why);

	if (rc != 0)
		return rc;
	if (fstat(m->fd, &st) != 0)
		return -errno;
	if (st.st_size > 0)
		return 0;
	close(m->fd);
	m->fd = -1;
	return -ENOENT;
}

int store_mark_open(const char *dir, const uint8_t machine_id[16], struct store_mark **out,
	uint32_t *mark, enum store_mark_state *state)
{
	struct store_mark *m = calloc(1, sizeof(*m));
	int rc;

	*out = NULL;
	*mark = 0;
	*state = STORE_MARK_MISSING;
	if (m == NULL)
		return -ENOMEM;
	m->fd = -1;
	rc = mark_find(m, dir);
	if (rc == -ENOENT)
		rc = mark_create(m, dir, machine_id);
	else if (rc == 0)
		rc = mark_read(m, machine_id, state);
	if (rc == 0)
		rc = numbers_read(&m->numbers, m->fd, 2 * SECTOR_BYTES);
	if (rc != 0) {
		store_mark_close(m);
		return rc;
	}
	*mark = m->last.mark;
	*out = m;
	return 0;
}

int store_mark_write(struct store_mark *m, uint32_t mark, uint32_t clock)
{
	struct mark_record next = m->last;
	int rc;

	next.mark = mark;
	if (clock > next.clock)
		next.clock = clock;
	next.sequence++;
	rc = sector_write(m, &next);
	if (rc == 0)
		rc = file_sync(m);
	if (rc == 0)
		m->last = next;
	return rc;
}

uint32_t store_mark_clock(const struct store_mark *m)
{
	return m->last.clock;
}

void store_mark_clock_forget(struct store_mark *m)
{
	m->last.clock = 0;
}

uint32_t store_mark_mtk_reservations(const struct store_mark *m)
{
	return m->last.mtk_reservations;
}

int store_mark_mtk_reserve(struct store_mark *m, uint32_t reservations)
{
	uint32_t before = m->last.mtk_reservations;
	int rc;

	if (reservations <= before)
		return 0;
	m->last.mtk_reservations = reservations;
	rc = store_mark_write(m, m->last.mark, 0);
	if (rc != 0)
		m->last.mtk_reservations = before;
	return rc;
}

void store_mark_close(struct store_mark *m)
{
	if (m == NULL)
		return;
	if (m->env != NULL)
		m->env->numbers = NULL;
	numbers_free(&m->numbers);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

// What the group or the file knows and the other does not.
static int group_settle(
	struct store_txn *txn, struct store_group *group, struct numbers *n, bool *is_changed)
{
	uint16_t last = numbers_last(n, &group->id);

	if (last <= group->last_key_number)
		return numbers_raise(n, &group->id, group->last_key_number);
	group->last_key_number = last;
	*is_changed = true;
	return store_group_put(txn, group);
}

static int groups_settle(struct store_txn *txn, struct numbers *n, bool *is_changed)
{
	struct store_group group = {0};
	int rc;

	while ((rc = meta_group_next(&txn->view, &group.id, &group)) == 0)
		if ((rc = group_settle(txn, &group, n, is_changed)) != 0)
			return rc;
	return rc == -ENOENT ? 0 : rc;
}

int store_mark_keep_numbers(struct store_mark *m, struct store_env *env)
{
	struct store_txn *txn;
	bool is_changed = false;
	int rc = store_txn_begin(env, &txn);

	if (rc != 0)
		return rc;
	rc = groups_settle(txn, &m->numbers, &is_changed);
	if (rc == 0 && is_changed)
		rc = store_txn_commit(txn);
	else
		store_txn_abort(txn);
	if (rc != 0)
		return rc;
	m->env = env;
	env->numbers = &m->numbers;
	return 0;
}
