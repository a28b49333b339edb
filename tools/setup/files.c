// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "setup.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_join(const char *root, const char *path, char out[512])
{
	snprintf(out, 512, "%s/%s", strcmp(root, "/") == 0 ? "" : root, path);
}

bool file_line(const char *root, const char *path, char *out, size_t size)
{
	char name[512];
	FILE *file;
	bool is_read;

	path_join(root, path, name);
	file = fopen(name, "re");
	is_read = file != NULL && fgets(out, (int)size, file) != NULL;
	if (file != NULL)
		fclose(file);
	if (!is_read)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return is_read;
}

bool file_link(const char *root, const char *path, char *out, size_t size)
{
	char name[512], target[512];
	const char *last;
	ssize_t n;

	path_join(root, path, name);
	n = readlink(name, target, sizeof(target) - 1);
	out[0] = '\0';
	if (n < 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	snprintf(out, size, "%s", last == NULL ? target : last + 1);
	return true;
}

bool file_exists(const char *root, const char *path)
{
	char name[512];

	path_join(root, path, name);
	return access(name, F_OK) == 0;
}

uint64_t file_number(const char *root, const char *path, uint64_t otherwise)
{
	char text[32], *end;
	uint64_t value;

	if (!file_line(root, path, text, sizeof(text)))
		return otherwise;
	value = strtoull(text, &end, 0);
	return end == text || text[0] == '-' ? otherwise : value;
}

static int name_is_listed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void file_each(
	const char *root, const char *path, void (*fn)(void *arg, const char *name), void *arg)
{
	struct dirent **entries;
	char name[512];
	int n;

	path_join(root, path, name);
	n = scandir(name, &entries, name_is_listed, alphasort);
	for (int i = 0; i < n; i++) {
		fn(arg, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}
