// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "pem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX (1 << 20)

void pem_wipe(struct pem *pem)
{
	if (pem->text != NULL)
		explicit_bzero(pem->text, pem->len);
	free(pem->text);
	*pem = (struct pem){0};
}

int pem_read(const char *path, struct pem *out, char why[256])
{
	FILE *file = fopen(path, "re");
	int ret = file == NULL ? -errno : 0;

	*out = (struct pem){.text = calloc(1, PEM_MAX)};
	if (ret == 0 && out->text == NULL)
		ret = -ENOMEM;
	if (ret == 0) {
		setbuf(file, NULL); // no copy of a key stays behind
		out->len = fread(out->text, 1, PEM_MAX - 1, file);
		ret = out->len == 0 ? -ENODATA : 0;
	}
	if (file != NULL)
		fclose(file);
	if (ret != 0) {
		snprintf(why, 256, "%.200s: %s", path, strerror(-ret));
		pem_wipe(out);
	}
	return ret;
}

int pem_pair_read(const char *certificate, const char *key, struct pem_pair *out, char why[256])
{
	int ret;

	*out = (struct pem_pair){0};
	if (certificate[0] == '\0')
		return 0;
	ret = pem_read(certificate, &out->certificate, why);
	if (ret == 0)
		ret = pem_read(key, &out->key, why);
	if (ret != 0)
		pem_wipe(&out->certificate);
	return ret;
}

void pem_pair_wipe(struct pem_pair *pair)
{
	pem_wipe(&pair->certificate);
	pem_wipe(&pair->key);
}

static bool is_same(const struct pem *a, const struct pem *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

bool pem_pair_is_same(const struct pem_pair *a, const struct pem_pair *b)
{
	return is_same(&a->certificate, &b->certificate) && is_same(&a->key, &b->key);
}
