// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_inside.h"

// --- Files -----------------------------------------------------------------------------------

static struct file *file_create(struct disk *disk, uint64_t inode, bool is_dir)
{
	struct file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	for (struct file *other = disk->files; other != NULL; other = other->next)
		if (other->inode == inode)
			other->inode = 0;
	f->inode = inode;
	f->is_dir = is_dir;
	f->next = disk->files;
	disk->files = f;
	return f;
}

static struct file *file_find(struct disk *disk, uint64_t inode)
{
	struct file *f = disk->files;

	while (f != NULL && f->inode != inode)
		f = f->next;
	return inode != 0 ? f : NULL;
}

static void renaming_add(struct disk *disk, struct renaming r)
{
	if (disk->renamings == NAMES_MAX)
		abort();
	disk->renaming[disk->renamings++] = r;
	renaming_apply(&disk->now, &r);
}

// --- Content ---------------------------------------------------------------------------------

static void change_add(struct disk *disk, struct file *f, struct change c)
{
	if (f->changes == f->changes_room) {
		f->changes_room = f->changes_room * 2 + 16;
		f->change = realloc(f->change, f->changes_room * sizeof(*f->change));
		if (f->change == NULL)
			abort();
	}
	c.number = ++disk->changes;
	f->change[f->changes++] = c;
}

// What was asked before the sync began is sure now; what came since is not.
static void file_settle(struct file *f, bool is_synced)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->changes; i++) {
		const struct change *c = &f->change[i];

		if (kept == 0 && (c->is_sure || (is_synced && c->is_covered)))
			change_apply(&f->sure, c);
		else
			f->change[kept++] = *c;
	}
	f->changes = kept;
}

void disk_lose(struct disk *disk, const char *name, uint64_t seed)
{
	struct name *known = name_find(&disk->now, name);
	struct file *f = known != NULL ? known->file : NULL;
	size_t kept = 0;

	for (size_t i = 0; f != NULL && i < f->changes; i++)
		if (f->change[i].kind != TRACE_WRITE || disk_is_lucky(DISK_HALF, &seed))
			f->change[kept++] = f->change[i];
	if (f != NULL)
		f->changes = kept;
	disk->version++;
}

// --- The trace -------------------------------------------------------------------------------

static void file_load(struct file *f, const char *path)
{
	uint8_t buffer[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0)
		image_write(&f->sure, f->sure.size, buffer, (size_t)n);
	if (fd >= 0)
		close(fd);
}

// What was on the disk before the trace begins.
static void base_load(struct disk *disk, const char *base, const char *below)
{
	DIR *dir = opendir(base);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[PATH_BYTES], name[NAME_BYTES];
		struct file *f;
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", base, entry->d_name) >= PATH_BYTES ||
			snprintf(name, sizeof(name), "%s%s", below, entry->d_name) >= NAME_BYTES ||
			stat(path, &st) != 0)
			abort();
		f = file_create(disk, 0, S_ISDIR(st.st_mode));
		name_put(&disk->now, name, f);
		name_put(&disk->sure, name, f);
		if (!f->is_dir) {
			file_load(f, path);
		} else {
			strcat(name, "/");
			base_load(disk, path, name);
		}
	}
	if (dir != NULL)
		closedir(dir);
}

static void sync_begin(struct disk *disk, struct file *f, const char *name)
{
	for (size_t i = 0; f != NULL && i < f->changes; i++)
		f->change[i].is_covered = true;
	for (size_t i = 0; i < disk->renamings; i++)
		if (name_is_in_dir(disk->renaming[i].from, name))
			disk->renaming[i].is_covered = true;
}

static void sync_end(struct disk *disk, struct file *f, const char *name)
{
	size_t kept = 0;

	if (f != NULL)
		file_settle(f, true);
	for (size_t i = 0; i < disk->renamings; i++) {
		struct renaming *r = &disk->renaming[i];

		if (r->is_covered && name_is_in_dir(r->from, name))
			renaming_apply(&disk->sure, r);
		else
			disk->renaming[kept++] = *r;
	}
	disk->renamings = kept;
}

static const char *take_name(struct disk *disk, const struct trace_record *r, const char *name)
{
	struct renaming change = {.kind = r->kind};
	struct name *known;

	snprintf(change.from, sizeof(change.from), "%s", name);
	switch (r->kind) {
	case TRACE_NAME:
		if (strcmp(name, ".") == 0)
			return NULL;
		known = name_find(&disk->now, name);
		if (known == NULL)
			return "a file was opened that the trace does not know";
		known->file->inode = r->file;
		return NULL;
	case TRACE_CREATE:
	case TRACE_MKDIR:
		change.file = file_create(disk, r->file, r->kind == TRACE_MKDIR);
		break;
	case TRACE_RENAME:
		snprintf(change.to, sizeof(change.to), "%s", name + strlen(name) + 1);
		known = name_find(&disk->now, name);
		if (known == NULL)
			return "a name that is not known was changed";
		change.file = known->file;
		break;
	default:
		break;
	}
	renaming_add(disk, change);
	return NULL;
}

static const char *take_content(
	struct disk *disk, const struct trace_record *r, const uint8_t *payload)
{
	struct change c = {.kind = r->kind, .at = r->at, .data = payload, .len = r->payload};
	struct file *f = file_find(disk, r->file);

	if (f == NULL)
		return "a file was written that nobody has opened";
	if (r->kind != TRACE_WRITTEN) {
		change_add(disk, f, c);
		return NULL;
	}
	if (f->changes > 0)
		f->change[f->changes - 1].is_sure = true;
	file_settle(f, false);
	return NULL;
}

// LMDB's: it is made anew when the first process opens the store.
static bool is_reader_table(const char *name)
{
	return strstr(name, "lock.mdb") != NULL || strstr(name, "-lock") != NULL;
}

const char *disk_take(struct disk *disk, const struct trace_record *r, const uint8_t *payload)
{
	char name[2 * NAME_BYTES] = "";

	if (r->kind == TRACE_NOTE)
		return NULL;
	disk->version++;
	switch (r->kind) {
	case TRACE_WRITE:
	case TRACE_WRITTEN:
	case TRACE_SIZE:
	case TRACE_GROW:
		return take_content(disk, r, payload);
	default:
		break;
	}
	if (r->payload >= sizeof(name))
		return "a name is too long";
	memcpy(name, payload, r->payload);
	if (r->kind == TRACE_SYNC_BEGIN)
		sync_begin(disk, file_find(disk, r->file), name);
	else if (r->kind == TRACE_SYNC_END)
		sync_end(disk, file_find(disk, r->file), name);
	else if (r->kind == TRACE_MAPPED)
		return is_reader_table(name) ? NULL : "a file was mapped for writing";
	else
		return take_name(disk, r, name);
	return NULL;
}

// --- Pictures --------------------------------------------------------------------------------

uint64_t disk_version(const struct disk *disk)
{
	return disk->version;
}

bool disk_is_unsure(const struct disk *disk)
{
	if (disk->renamings > 0)
		return true;
	for (const struct file *f = disk->files; f != NULL; f = f->next)
		if (f->changes > 0)
			return true;
	return false;
}

struct disk *disk_create(const char *base)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	if (disk != NULL && base != NULL)
		base_load(disk, base, "");
	return disk;
}

void disk_destroy(struct disk *disk)
{
	struct file *next;

	if (disk == NULL)
		return;
	for (struct file *f = disk->files; f != NULL; f = next) {
		next = f->next;
		free(f->sure.data);
		free(f->change);
		free(f);
	}
	free(disk);
}
