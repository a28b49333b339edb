// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Runs a fuzz target over the files of a corpus, by name, in a build without libFuzzer.
//   replay-TARGET FOLDER

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Each input goes into a block of exactly its size, so that a sanitizer sees reads behind it.
static int input_run(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;
	uint8_t *all = malloc(INPUT_MAX_BYTES), *exact;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file == NULL || all == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		free(all);
		return 1;
	}
	len = fread(all, 1, INPUT_MAX_BYTES, file);
	fclose(file);
	exact = malloc(len);
	if (len > 0 && exact != NULL)
		memcpy(exact, all, len);
	free(all);
	fprintf(stderr, "%s\n", name);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **entry = NULL;
	int inputs = argc == 2 ? scandir(argv[1], &entry, is_input, alphasort) : -1;
	int failed = 0;

	if (inputs < 0) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < inputs; i++) {
		failed |= input_run(argv[1], entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	printf("%d inputs\n", inputs);
	return failed || inputs == 0;
}
