// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as a configuration file. What is taken prints as a file that reads back the same.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf conf;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static char *print(size_t *len)
{
	char *text;
	FILE *out = open_memstream(&text, len);

	require(out != NULL);
	conf_print(&conf, out);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[CONF_WHY_MAX], *first, *second;
	size_t first_len, second_len;

	conf_init(&conf);
	if (conf_parse(&conf, "fuzz.yaml", (const char *)data, size, why) != 0) {
		require(strncmp(why, "fuzz.yaml:", 10) == 0 && strlen(why) < sizeof(why));
		return 0;
	}
	first = print(&first_len);
	conf_init(&conf);
	require(conf_parse(&conf, "printed.yaml", first, first_len, why) == 0);
	second = print(&second_len);
	require(first_len == second_len && memcmp(first, second, first_len) == 0);
	free(first);
	free(second);
	return 0;
}
