// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int crypto_create(struct crypto **out)
{
	struct crypto *c = aligned_alloc(_Alignof(struct crypto), sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	int rc = mb_create(&c->mb);
	if (rc != 0)
		goto fail;
	snprintf(c->path_text, sizeof(c->path_text), "ipsec-mb %s %s", mb_version(),
		mb_arch_name(c->mb));
	rc = crypto_kat_run(c);
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
	mb_destroy(c->mb);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

const char *crypto_path_text(const struct crypto *c)
{
	return c->path_text;
}
