// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// In the order in which CRYPTO_PATH_AUTO tries them.
static const struct crypto_path *const paths[CRYPTO_PATH_COUNT] = {
	[CRYPTO_PATH_AVX512] = &crypto_path_avx512,
	[CRYPTO_PATH_AVX512_AESNI] = &crypto_path_avx512_aesni,
	[CRYPTO_PATH_AVX2] = &crypto_path_avx2,
	[CRYPTO_PATH_IPSEC_MB] = &crypto_path_mb,
};

const char *crypto_path_name(enum crypto_path_id id)
{
	return id == CRYPTO_PATH_AUTO ? "auto" : paths[id]->name;
}

static const struct crypto_path *path_find(enum crypto_path_id id)
{
	if (id != CRYPTO_PATH_AUTO)
		return paths[id]->is_available() ? paths[id] : NULL;
	for (id++; !paths[id]->is_available(); id++)
		;
	return paths[id];
}

static void path_text_write(struct crypto *c)
{
	snprintf(c->path_text, sizeof(c->path_text), "%s%sipsec-mb %s %s",
		c->lanes == NULL ? "" : c->path->name, c->lanes == NULL ? "" : " lanes, ",
		mb_version(), mb_arch_name(c->mb));
}

// ipsec-mb first: it is what the path is held against.
static int path_check(struct crypto *c, const struct crypto_path *path)
{
	c->path = &crypto_path_mb;
	int rc = crypto_kat_run(c);
	if (rc != 0 || path == c->path)
		return rc;
	c->path = path;
	rc = crypto_kat_run(c);
	return rc != 0 ? rc : crypto_noise_check(c);
}

int crypto_create(struct crypto **out)
{
	return crypto_create_path(CRYPTO_PATH_AUTO, out);
}

int crypto_create_path(enum crypto_path_id id, struct crypto **out)
{
	const struct crypto_path *path = path_find(id);
	if (path == NULL)
		return -ENOSYS;
	struct crypto *c = aligned_alloc(_Alignof(struct crypto), sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->path = path;
	int rc = mb_create(&c->mb);
	if (rc == 0 && path->create != NULL)
		rc = path->create(c);
	if (rc != 0)
		goto fail;
	path_text_write(c);
	rc = path_check(c, path);
	if (rc != 0)
		goto fail;
	*out = c;
	return 0;

fail:
	crypto_destroy(c);
	return rc;
}

void crypto_destroy(struct crypto *c)
{
	if (c == NULL)
		return;
	lanes_destroy(c->lanes);
	mb_destroy(c->mb);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

const char *crypto_path_text(const struct crypto *c)
{
	return c->path_text;
}
