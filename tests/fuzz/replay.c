// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Runs a fuzz target over the files of a corpus, in a build without libFuzzer.
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

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *entry;
	unsigned inputs = 0;
	int failed = 0;

	if (folder == NULL) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		failed |= input_run(argv[1], entry->d_name);
		inputs++;
	}
	closedir(folder);
	printf("%u inputs\n", inputs);
	return failed || inputs == 0;
}
