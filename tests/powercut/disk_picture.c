// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Pictures: what a cut may leave of a disk.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_inside.h"

static bool is_last(const struct disk *disk, const struct change *c)
{
	return c->number == disk->changes;
}

static void image_gamble(const struct disk *disk, const struct file *f, enum disk_luck luck,
	uint64_t *seed, struct image *image)
{
	image_copy(image, &f->sure);
	for (size_t i = 0; i < f->changes; i++) {
		const struct change *c = &f->change[i];

		if (c->is_sure) {
			change_apply(image, c);
		} else if (luck == DISK_LAST) {
			if (is_last(disk, c) || c->kind != TRACE_WRITE)
				change_apply(image, c);
		} else if (luck == DISK_ALL_BUT_FIRST) {
			if (i > 0)
				change_apply(image, c);
		} else {
			change_gamble(image, c, luck, seed);
		}
	}
}

static int image_put(const struct image *image, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, image->data, image->filled) != (ssize_t)image->filled ||
		ftruncate(fd, (off_t)image->size) != 0)
		rc = errno != 0 ? -errno : -EIO;
	close(fd);
	return rc;
}

static void names_gamble(
	const struct disk *disk, enum disk_luck luck, uint64_t *seed, struct names *names)
{
	*names = disk->sure;
	for (size_t i = 0; i < disk->renamings; i++) {
		// In order, up to some moment: later ones build on earlier ones.
		if (luck == DISK_NOTHING || (luck >= DISK_HALF && disk_chance(seed) % 4 == 0))
			break;
		renaming_apply(names, &disk->renaming[i]);
	}
}

int disk_picture(struct disk *disk, enum disk_luck luck, uint64_t seed, const char *dir)
{
	struct names names;
	char path[PATH_BYTES];
	int rc = 0;

	names_gamble(disk, luck, &seed, &names);
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		if (!names.name[i].file->is_dir)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names.name[i].text);
		rc = mkdir(path, 0700) == 0 ? 0 : -errno;
	}
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		struct image image = {0};

		if (names.name[i].file->is_dir || !name_has_parent(&names, names.name[i].text))
			continue;
		image_gamble(disk, names.name[i].file, luck, &seed, &image);
		snprintf(path, sizeof(path), "%s/%s", dir, names.name[i].text);
		rc = image_put(&image, path);
		free(image.data);
	}
	return rc;
}
