// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Certificates and private keys, as files have them.

#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pem {
	char *text; // NULL: none
	size_t len;
};

// A whole file of at most a mebibyte. -errno with a sentence in why. pem_wipe() frees it.
int pem_read(const char *path, struct pem *out, char why[256]);
void pem_wipe(struct pem *pem);

// A certificate chain with its private key. Secret.
struct pem_pair {
	struct pem certificate;
	struct pem key;
};
// Both files, or none when the first name is empty. -errno with a sentence.
int pem_pair_read(const char *certificate, const char *key, struct pem_pair *out, char why[256]);
void pem_pair_wipe(struct pem_pair *pair);
// Whether they belong together and can be served with (pem_try.c). -EINVAL with a sentence about
// the keys of that section of the configuration.
int pem_pair_try(const struct pem_pair *pair, const char *section, char why[256]);
bool pem_pair_is_same(const struct pem_pair *a, const struct pem_pair *b);
