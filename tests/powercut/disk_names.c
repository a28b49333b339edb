// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "disk_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name *name_find(struct names *names, const char *text)
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

void name_put(struct names *names, const char *text, struct file *file)
{
	name_remove(names, text);
	if (names->n == NAMES_MAX)
		abort();
	snprintf(names->name[names->n].text, NAME_BYTES, "%s", text);
	names->name[names->n++].file = file;
}

void renaming_apply(struct names *names, const struct renaming *r)
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

bool name_is_in_dir(const char *name, const char *dir)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash != NULL ? (size_t)(slash - name) : 0;

	if (strcmp(dir, ".") == 0)
		return slash == NULL;
	return strlen(dir) == len && strncmp(name, dir, len) == 0;
}

bool name_has_parent(struct names *names, const char *text)
{
	char parent[NAME_BYTES];
	const char *slash = strrchr(text, '/');

	if (slash == NULL)
		return true;
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - text), text);
	return name_find(names, parent) != NULL;
}
