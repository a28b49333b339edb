// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mikey.h"

#define MAGIC "mskrec-1"
#define ENTRIES_MAX (1u << 25) // the file has holes where there are none yet

struct header {
	char magic[8];
	uint64_t count;
	uint8_t spare[48];
};
_Static_assert(sizeof(struct header) == 64, "the layout is part of the file");

#define FILE_BYTES (sizeof(struct header) + ENTRIES_MAX * sizeof(struct ue_record_entry))

struct ue_record {
	int fd;
	struct header *map;
	int64_t wall;
};

static int file_map(struct ue_record *record)
{
	void *map;

	if (flock(record->fd, LOCK_EX | LOCK_NB) != 0)
		return -EBUSY;
	if (ftruncate(record->fd, FILE_BYTES) != 0)
		return -errno;
	map = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		record->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	record->map = map;
	return 0;
}

static int file_open(struct ue_record *record, const char *path)
{
	struct stat stat;
	int rc;

	record->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (record->fd < 0 || fstat(record->fd, &stat) != 0)
		return -errno;
	if (stat.st_size != 0 && stat.st_size != (off_t)FILE_BYTES)
		return -EBADMSG;
	rc = file_map(record);
	if (rc != 0)
		return rc;
	if (stat.st_size == 0)
		memcpy(record->map->magic, MAGIC, sizeof(record->map->magic));
	return memcmp(record->map->magic, MAGIC, sizeof(record->map->magic)) == 0 &&
			record->map->count <= ENTRIES_MAX
		? 0
		: -EBADMSG;
}

int ue_record_open(struct ue_record **out, const char *path)
{
	struct ue_record *record = calloc(1, sizeof(*record));
	int rc = record != NULL ? file_open(record, path) : -ENOMEM;

	if (rc == 0)
		*out = record;
	else
		ue_record_close(record);
	return rc;
}

void ue_record_close(struct ue_record *record)
{
	if (record == NULL)
		return;
	if (record->map != NULL)
		munmap(record->map, FILE_BYTES);
	if (record->fd >= 0)
		close(record->fd);
	free(record);
}

void ue_record_at(struct ue_record *record, const struct ue_now *now)
{
	record->wall = now->wall;
}

// The count moves on when the entry is there: a process that is killed leaves whole ones.
void ue_record_put(struct ue_record *record, const struct ue_record_entry *entry)
{
	struct ue_record_entry *entries = (struct ue_record_entry *)(record->map + 1);
	uint64_t count = record->map->count;

	if (count == ENTRIES_MAX)
		return;
	entries[count] = *entry;
	entries[count].wall = record->wall;
	__atomic_store_n(&record->map->count, count + 1, __ATOMIC_RELEASE);
}

void ue_record_frame(
	struct ue_record *record, const struct ue_station *station, const uint8_t *data, size_t len)
{
	struct ue_record_entry entry = {.kind = UE_RECORD_PUSH};
	struct mikey_view view;
	struct ue_frame frame;
	enum mikey_kind kind;

	if (ue_frame_parse(&frame, data, len, station) != UE_ACCEPTED ||
		frame.kind != UE_FRAME_UDP ||
		mikey_parse(frame.payload, frame.payload_len, &view) != MIKEY_OK)
		return;
	kind = mikey_view_kind(&view);
	if (kind != MIKEY_KIND_MSK && kind != MIKEY_KIND_SOLICIT)
		return;
	if (kind == MIKEY_KIND_SOLICIT)
		entry.kind = UE_RECORD_SOLICIT;
	ue_record_head(entry.key, view.identity[1].data, view.identity[1].len);
	memcpy(entry.content, frame.payload + view.mac.off, sizeof(entry.content));
	entry.counter = view.counter;
	entry.csb_id = view.csb_id;
	entry.number = view.id.number;
	ue_record_put(record, &entry);
}

void ue_record_head(uint8_t head[UE_RECORD_HEAD], const void *data, size_t len)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(data, len, digest);
	memcpy(head, digest, UE_RECORD_HEAD);
	explicit_bzero(digest, sizeof(digest));
}
