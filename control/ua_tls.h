// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Certificate and key that phones are served with over TLS.

#pragma once

#include "conf.h"

struct ua_tls {
	char *certificate; // PEM
	char *key; // PEM, secret; NULL: no TLS
};

// Reads the files that the configuration names, if any. why gets a sentence on error.
int ua_tls_read(const struct conf *conf, struct ua_tls *tls, char why[256]);
void ua_tls_free(struct ua_tls *tls); // wipes the key
