// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 256
#define NAMES_MAX 32
#define PATH_BYTES 4352

// A change of a file's content or size that is not sure yet.
struct change {
	enum trace_kind kind; // WRITE, SIZE, GROW
	uint64_t at;
	const uint8_t *data;
	size_t len;
	uint64_t number; // of all changes of the disk
	bool is_covered; // asked before a sync that is under way
	bool is_sure; // went through an O_DSYNC descriptor, what stands before it did not
};

struct file {
	uint64_t inode; // 0: no longer the file of any inode
	bool is_dir;
	uint8_t *data; // what is sure
	size_t size;
	size_t filled; // octets behind it are zero, up to size
	size_t room;
	struct change *change;
	size_t changes;
	size_t changes_room;
	struct file *next;
};

struct name {
	char text[NAME_BYTES];
	struct file *file;
};

struct names {
	struct name name[NAMES_MAX];
	size_t n;
};

// A change of names that is not sure yet.
struct renaming {
	enum trace_kind kind; // CREATE, MKDIR, UNLINK, RENAME
	char from[NAME_BYTES];
	char to[NAME_BYTES];
	struct file *file;
	bool is_covered;
};

struct disk {
	struct file *files;
	struct names now; // as the program sees them
	struct names sure;
	struct renaming renaming[NAMES_MAX];
	size_t renamings;
	uint64_t changes;
	uint64_t version;
};

// --- Files and names -------------------------------------------------------------------------

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

static struct name *name_find(struct names *names, const char *text)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i].text, text) == 0)
			return &names->name[i];
	return NULL;
}

static void name_remove(struct names *names, const char *text)
{
	struct name *name = name_find(names, text);

	if (name != NULL)
		*name = names->name[--names->n];
}

static void name_put(struct names *names, const char *text, struct file *file)
{
	name_remove(names, text);
	if (names->n == NAMES_MAX)
		abort();
	snprintf(names->name[names->n].text, NAME_BYTES, "%s", text);
	names->name[names->n++].file = file;
}

static void renaming_apply(struct names *names, const struct renaming *r)
{
	switch (r->kind) {
	case TRACE_UNLINK:
		name_remove(names, r->from);
		break;
	case TRACE_RENAME:
		name_remove(names, r->from);
		name_put(names, r->to, r->file);
		break;
	default:
		name_put(names, r->from, r->file);
		break;
	}
}

static void renaming_add(struct disk *disk, struct renaming r)
{
	if (disk->renamings == NAMES_MAX)
		abort();
	disk->renaming[disk->renamings++] = r;
	renaming_apply(&disk->now, &r);
}

// Whether a name stands in that directory itself.
static bool is_in_dir(const char *name, const char *dir)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash != NULL ? (size_t)(slash - name) : 0;

	if (strcmp(dir, ".") == 0)
		return slash == NULL;
	return strlen(dir) == len && strncmp(name, dir, len) == 0;
}

// --- Content ---------------------------------------------------------------------------------

struct image {
	uint8_t *data;
	size_t size;
	size_t filled;
	size_t room;
};

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

static void image_write(struct image *image, size_t at, const uint8_t *data, size_t len)
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

static uint64_t chance(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool is_lucky(enum disk_luck luck, uint64_t *seed)
{
	switch (luck) {
	case DISK_HALF:
		return chance(seed) % 2 == 0;
	case DISK_FEW:
		return chance(seed) % 8 == 0;
	case DISK_MOST:
		return chance(seed) % 8 != 0;
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
		if (is_lucky(luck, seed))
			image_write(image, at, c->data + (at - c->at), to - at);
		at = to;
	}
}

static void change_apply(struct image *image, const struct change *c)
{
	if (c->kind == TRACE_WRITE)
		image_write(image, c->at, c->data, c->len);
	else if (c->kind == TRACE_SIZE || c->at > image->size)
		image_resize(image, c->at);
}

// Lost data may leave its size behind.
static void change_gamble(
	struct image *image, const struct change *c, enum disk_luck luck, uint64_t *seed)
{
	if (c->kind != TRACE_WRITE) {
		if (is_lucky(luck, seed))
			change_apply(image, c);
		return;
	}
	write_by_sectors(image, c, luck, seed);
	if (luck != DISK_NOTHING && c->at + c->len > image->size && is_lucky(DISK_HALF, seed))
		image_resize(image, c->at + c->len);
}

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

static struct image image_of(const struct file *f)
{
	return (struct image){f->data, f->size, f->filled, f->room};
}

static void file_keep(struct file *f, const struct image *image)
{
	f->data = image->data;
	f->size = image->size;
	f->filled = image->filled;
	f->room = image->room;
}

// What was asked before the sync began is sure now; what came since is not.
static void file_settle(struct file *f, bool is_synced)
{
	struct image image = image_of(f);
	size_t kept = 0;

	for (size_t i = 0; i < f->changes; i++) {
		const struct change *c = &f->change[i];

		if (kept == 0 && (c->is_sure || (is_synced && c->is_covered)))
			change_apply(&image, c);
		else
			f->change[kept++] = *c;
	}
	f->changes = kept;
	file_keep(f, &image);
}

void disk_lose(struct disk *disk, const char *name, uint64_t seed)
{
	struct name *known = name_find(&disk->now, name);
	struct file *f = known != NULL ? known->file : NULL;
	size_t kept = 0;

	for (size_t i = 0; f != NULL && i < f->changes; i++)
		if (f->change[i].kind != TRACE_WRITE || is_lucky(DISK_HALF, &seed))
			f->change[kept++] = f->change[i];
	if (f != NULL)
		f->changes = kept;
	disk->version++;
}

// --- The trace -------------------------------------------------------------------------------

static void file_load(struct file *f, const char *path)
{
	struct image image = image_of(f);
	uint8_t buffer[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0)
		image_write(&image, image.size, buffer, (size_t)n);
	if (fd >= 0)
		close(fd);
	file_keep(f, &image);
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
		if (is_in_dir(disk->renaming[i].from, name))
			disk->renaming[i].is_covered = true;
}

static void sync_end(struct disk *disk, struct file *f, const char *name)
{
	size_t kept = 0;

	if (f != NULL)
		file_settle(f, true);
	for (size_t i = 0; i < disk->renamings; i++) {
		struct renaming *r = &disk->renaming[i];

		if (r->is_covered && is_in_dir(r->from, name))
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

static bool is_last(const struct disk *disk, const struct change *c)
{
	return c->number == disk->changes;
}

static void image_gamble(const struct disk *disk, const struct file *f, enum disk_luck luck,
	uint64_t *seed, struct image *image)
{
	image_reserve(image, f->filled);
	if (f->filled > 0)
		memcpy(image->data, f->data, f->filled);
	image->filled = f->filled;
	image->size = f->size;
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
		if (luck == DISK_NOTHING || (luck >= DISK_HALF && chance(seed) % 4 == 0))
			break;
		renaming_apply(names, &disk->renaming[i]);
	}
}

// The directory may be there without what it holds, but not the other way round.
static bool has_parent(struct names *names, const char *text)
{
	char parent[NAME_BYTES];
	const char *slash = strrchr(text, '/');

	if (slash == NULL)
		return true;
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - text), text);
	return name_find(names, parent) != NULL;
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

		if (names.name[i].file->is_dir || !has_parent(&names, names.name[i].text))
			continue;
		image_gamble(disk, names.name[i].file, luck, &seed, &image);
		snprintf(path, sizeof(path), "%s/%s", dir, names.name[i].text);
		rc = image_put(&image, path);
		free(image.data);
	}
	return rc;
}

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
		free(f->data);
		free(f->change);
		free(f);
	}
	free(disk);
}
