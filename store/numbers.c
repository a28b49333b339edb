// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"

#define NUMBER_VERSION 1
#define CHUNK 256 // records

struct number_record {
	struct group_key group;
	uint8_t version;
	uint16_t number;
	uint64_t checksum; // SipHash-1-3 under the zero key of all before it
};
_Static_assert(sizeof(struct number_record) == 16, "a record never lies across two sectors");

static uint64_t checksum(const struct number_record *r)
{
	static const struct hash_key zero;

	return hash_bytes(&zero, r, offsetof(struct number_record, checksum));
}

static bool is_good(const struct number_record *r)
{
	return r->version == NUMBER_VERSION && r->checksum == checksum(r);
}

static struct number_record *record_find(const struct numbers *n, const struct group_key *group)
{
	for (size_t i = 0; i < n->count; i++)
		if (memcmp(&n->list[i].group, group, sizeof(*group)) == 0)
			return &n->list[i];
	return NULL;
}

// Makes room for a group's record, so that remembering one that is durable cannot fail.
static struct number_record *record_seat(struct numbers *n, const struct group_key *group)
{
	struct number_record *seat = record_find(n, group);

	if (seat != NULL)
		return seat;
	if (n->count % CHUNK == 0) {
		void *list = realloc(n->list, (n->count + CHUNK) * sizeof(*n->list));

		if (list == NULL)
			return NULL;
		n->list = list;
	}
	seat = &n->list[n->count++];
	*seat = (struct number_record){.group = *group};
	return seat;
}

static int record_take(struct numbers *n, const struct number_record *r)
{
	struct number_record *seat;

	if (!is_good(r))
		return 0;
	seat = record_seat(n, &r->group);
	if (seat == NULL)
		return -ENOMEM;
	if (r->number > seat->number)
		*seat = *r;
	return 0;
}

int numbers_read(struct numbers *n, int fd, off_t from)
{
	struct number_record chunk[CHUNK];
	ssize_t len;
	int rc = 0;

	*n = (struct numbers){.fd = fd, .end = from};
	do {
		len = pread(fd, chunk, sizeof(chunk), n->end);
		if (len < 0)
			return -errno;
		for (size_t i = 0; i < (size_t)len / sizeof(chunk[0]) && rc == 0; i++)
			rc = record_take(n, &chunk[i]);
		n->end += len / (ssize_t)sizeof(chunk[0]) * (ssize_t)sizeof(chunk[0]);
	} while (rc == 0 && len == (ssize_t)sizeof(chunk));
	return rc;
}

void numbers_free(struct numbers *n)
{
	free(n->list);
	*n = (struct numbers){.fd = -1};
}

uint16_t numbers_last(const struct numbers *n, const struct store_group_id *group)
{
	const struct group_key key = group_key_of(group);
	const struct number_record *r = record_find(n, &key);

	return r != NULL ? r->number : 0;
}

static int record_write(struct numbers *n, const struct number_record *r)
{
	ssize_t len = pwrite(n->fd, r, sizeof(*r), n->end);

	if (len < 0)
		return -errno;
	if (len != (ssize_t)sizeof(*r))
		return -ENOSPC;
	if (fdatasync(n->fd) != 0)
		return -errno;
	n->end += (off_t)sizeof(*r);
	return 0;
}

int numbers_raise(struct numbers *n, const struct store_group_id *group, uint16_t number)
{
	struct number_record record = {
		.group = group_key_of(group), .version = NUMBER_VERSION, .number = number};
	struct number_record *seat = record_seat(n, &record.group);
	int rc;

	if (seat == NULL)
		return -ENOMEM;
	if (number <= seat->number)
		return 0;
	record.checksum = checksum(&record);
	rc = record_write(n, &record);
	if (rc == 0)
		*seat = record;
	return rc;
}
