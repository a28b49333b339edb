// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Whether libmicrohttpd would serve with a certificate and its private key.

#include <errno.h>
#include <stdio.h>

#include <microhttpd.h>

#include "pem.h"

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	(void)arg;
	(void)connection;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	(void)len;
	(void)state;
	return MHD_NO;
}

int pem_pair_try(const struct pem_pair *pair, const char *section, char why[256])
{
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET, 0,
		NULL, NULL, on_request, NULL, MHD_OPTION_HTTPS_MEM_CERT, pair->certificate.text,
		MHD_OPTION_HTTPS_MEM_KEY, pair->key.text, MHD_OPTION_END);

	if (daemon == NULL) {
		snprintf(why, 256, "%s.certificate and %s.private_key do not do", section, section);
		return -EINVAL;
	}
	MHD_stop_daemon(daemon);
	return 0;
}
