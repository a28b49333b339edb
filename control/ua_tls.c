// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX 65536

// The whole of a PEM file, NULL with a sentence.
static char *pem_read(const char *path, char why[256])
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, PEM_MAX + 1);
	size_t len = file == NULL || text == NULL ? 0 : fread(text, 1, PEM_MAX + 1, file);

	if (file != NULL)
		fclose(file);
	if (len > 0 && len <= PEM_MAX)
		return text;
	free(text);
	snprintf(why, 256, "%.200s cannot be read", path);
	return NULL;
}

int ua_tls_read(const struct conf *conf, struct ua_tls *tls, char why[256])
{
	if (conf->ua.certificate[0] == '\0')
		return 0;
	tls->certificate = pem_read(conf->ua.certificate, why);
	if (tls->certificate != NULL)
		tls->key = pem_read(conf->ua.private_key, why);
	return tls->key == NULL ? -EIO : 0;
}

void ua_tls_free(struct ua_tls *tls)
{
	if (tls->key != NULL)
		explicit_bzero(tls->key, strlen(tls->key));
	free(tls->key);
	free(tls->certificate);
}
