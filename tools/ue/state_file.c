// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// DIR/muks: a header, one slot a phone in the order of the CSV, then slots of phones that are not
// switched on this time.

#include "state_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM_MAX 256

size_t ue_state_muk_bytes(const struct ue_state_header *h)
{
	return sizeof(struct ue_state_muk) + h->btid_room;
}

static size_t slot_bytes(const struct ue_state_header *h)
{
	return sizeof(struct ue_state_slot) + h->impi_room + 2 * ue_state_muk_bytes(h);
}

static size_t file_bytes(const struct ue_state_header *h)
{
	return sizeof(*h) + h->slots * slot_bytes(h);
}

struct ue_state_slot *ue_state_slot_at(struct ue_state_header *map, uint32_t at)
{
	return (struct ue_state_slot *)((uint8_t *)(map + 1) + at * slot_bytes(map));
}

char *ue_state_slot_impi(struct ue_state_slot *slot)
{
	return (char *)(slot + 1);
}

struct ue_state_muk *ue_state_slot_muk(
	const struct ue_state_header *map, struct ue_state_slot *slot, unsigned which)
{
	return (struct ue_state_muk *)((uint8_t *)(slot + 1) + map->impi_room +
		(which - 1) * ue_state_muk_bytes(map));
}

static bool header_is_sound(const struct ue_state_header *h)
{
	return memcmp(h->magic, UE_STATE_MAGIC, sizeof(h->magic)) == 0 &&
		h->slots <= UE_STATE_SLOTS_MAX && h->impi_room % 8 == 0 &&
		h->impi_room <= ROOM_MAX && h->btid_room % 8 == 0 && h->btid_room <= ROOM_MAX;
}

bool ue_state_slot_is_sound(const struct ue_state_header *map, struct ue_state_slot *slot)
{
	return slot->which <= 2 && slot->impi_len <= map->impi_room &&
		(slot->which == 0 ||
			ue_state_slot_muk(map, slot, slot->which)->btid_len <= map->btid_room);
}

// --- The file -------------------------------------------------------------------------------

static int map_make(struct ue_state *state, size_t bytes)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, state->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	state->map = map;
	state->map_bytes = bytes;
	return 0;
}

void ue_state_map_drop(struct ue_state *state)
{
	if (state->map != NULL)
		munmap(state->map, state->map_bytes);
	state->map = NULL;
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
}

int ue_state_file_open(struct ue_state *state, const char *dir, const char *name, int flags)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	state->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	if (state->fd < 0)
		return -errno;
	return flock(state->fd, LOCK_EX | LOCK_NB) != 0 ? -EBUSY : 0;
}

int ue_state_file_map(struct ue_state *state)
{
	struct ue_state_header head;
	struct stat stat;
	ssize_t n;

	if (fstat(state->fd, &stat) != 0)
		return -errno;
	if (stat.st_size == 0)
		return 0;
	n = pread(state->fd, &head, sizeof(head), 0);
	if (n != (ssize_t)sizeof(head) || !header_is_sound(&head) ||
		(size_t)stat.st_size < file_bytes(&head))
		return -EBADMSG;
	return map_make(state, file_bytes(&head));
}

int ue_state_file_make(struct ue_state *state, const struct ue_state_header *head)
{
	int rc = ftruncate(state->fd, (off_t)file_bytes(head)) != 0 ? -errno : 0;

	if (rc == 0)
		rc = map_make(state, file_bytes(head));
	if (rc == 0)
		*state->map = *head;
	return rc;
}

int ue_state_file_replace(const char *dir)
{
	char old[4096], new[4096];

	snprintf(old, sizeof(old), "%s/muks", dir);
	snprintf(new, sizeof(new), "%s/muks.new", dir);
	return rename(new, old) != 0 ? -errno : 0;
}
