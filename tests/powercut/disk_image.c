// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "disk_image.h"

#include <stdlib.h>
#include <string.h>

static void image_reserve(struct image *image, size_t len)
{
	uint8_t *data;

	if (len <= image->room)
		return;
	len = len + len / 2 + 4096;
	data = realloc(image->data, len);
	if (data == NULL)
		abort();
	memset(data + image->room, 0, len - image->room);
	image->data = data;
	image->room = len;
}

static void image_resize(struct image *image, size_t size)
{
	if (size < image->filled) {
		memset(image->data + size, 0, image->filled - size);
		image->filled = size;
	}
	image->size = size;
}

void image_write(struct image *image, size_t at, const uint8_t *data, size_t len)
{
	if (len == 0)
		return;
	image_reserve(image, at + len);
	memcpy(image->data + at, data, len);
	if (at + len > image->filled)
		image->filled = at + len;
	if (at + len > image->size)
		image->size = at + len;
}

void image_copy(struct image *to, const struct image *from)
{
	image_reserve(to, from->filled);
	if (from->filled > 0)
		memcpy(to->data, from->data, from->filled);
	to->filled = from->filled;
	to->size = from->size;
}

uint64_t disk_chance(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

bool disk_is_lucky(enum disk_luck luck, uint64_t *seed)
{
	switch (luck) {
	case DISK_HALF:
		return disk_chance(seed) % 2 == 0;
	case DISK_FEW:
		return disk_chance(seed) % 8 == 0;
	case DISK_MOST:
		return disk_chance(seed) % 8 != 0;
	default:
		return luck == DISK_ALL;
	}
}

static void write_by_sectors(
	struct image *image, const struct change *c, enum disk_luck luck, uint64_t *seed)
{
	for (uint64_t at = c->at, end = c->at + c->len; at < end;) {
		uint64_t to = (at / DISK_SECTOR + 1) * DISK_SECTOR;

		if (to > end)
			to = end;
		if (disk_is_lucky(luck, seed))
			image_write(image, at, c->data + (at - c->at), to - at);
		at = to;
	}
}

void change_apply(struct image *image, const struct change *c)
{
	if (c->kind == TRACE_WRITE)
		image_write(image, c->at, c->data, c->len);
	else if (c->kind == TRACE_SIZE || c->at > image->size)
		image_resize(image, c->at);
}

void change_gamble(struct image *image, const struct change *c, enum disk_luck luck, uint64_t *seed)
{
	if (c->kind != TRACE_WRITE) {
		if (disk_is_lucky(luck, seed))
			change_apply(image, c);
		return;
	}
	write_by_sectors(image, c, luck, seed);
	if (luck != DISK_NOTHING && c->at + c->len > image->size && disk_is_lucky(DISK_HALF, seed))
		image_resize(image, c->at + c->len);
}
