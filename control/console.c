// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "console.h"

#include <string.h>

// Names are compared as a whole: no part of a path ever meets a file system.
const struct console_file *console_file_find(const char *path)
{
	for (size_t i = 0; i < console_files_count; i++)
		if (strcmp(console_files[i].path, path) == 0)
			return &console_files[i];
	return NULL;
}
