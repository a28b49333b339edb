// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Another certificate on Ua while phones are served: a new daemon takes over the socket that
// listens, the old one serves the connections it has.

#include "log.h"
#include "ua_http.h"

int ua_reload(struct ua *ua, const struct conf *conf, char why[256])
{
	struct pem_pair fresh, before;
	int ret;

	if (ua == NULL || ua->tls.key.text == NULL)
		return 0;
	ret = pem_pair_read(conf->ua.certificate, conf->ua.private_key, &fresh, why);
	if (ret == 0 && !pem_pair_is_same(&fresh, &ua->tls))
		ret = pem_pair_try(&fresh, "ua", why);
	if (ret != 0 || pem_pair_is_same(&fresh, &ua->tls)) {
		pem_pair_wipe(&fresh);
		return ret;
	}
	pthread_mutex_lock(&ua->tls_lock);
	before = ua->tls;
	ua->tls = fresh;
	pthread_mutex_unlock(&ua->tls_lock);
	pem_pair_wipe(&before);
	atomic_fetch_add(&ua->tls_version, 1);
	log_info("ua-certificate", "file=\"%s\"", conf->ua.certificate);
	return 0;
}

// The old daemon takes no connections any more and serves those it has.
static void daemon_replace(struct ua_http *http, unsigned i, const struct pem_pair *tls)
{
	struct MHD_Daemon *daemon = ua_http_daemon_start(http, http->listen_fd[i], tls);

	if (daemon == NULL || ua_http_daemon_watch(http, daemon) != 0) {
		log_error("ua-not-reloaded", "why=\"libmicrohttpd does not start\"");
		if (daemon != NULL) {
			MHD_quiesce_daemon(daemon);
			MHD_stop_daemon(daemon);
		}
		return;
	}
	MHD_quiesce_daemon(http->daemon[i]);
	http->old[http->olds++] = http->daemon[i];
	http->daemon[i] = daemon;
}

void ua_http_tls_follow(struct ua_http *http)
{
	struct ua *ua = http->thread->ua;
	unsigned version = atomic_load(&ua->tls_version);

	// Where too many wait for their end, the new one has to wait for them.
	if (version == http->tls_version || http->olds + http->daemons > UA_HTTP_OLD_MAX)
		return;
	http->tls_version = version;
	pthread_mutex_lock(&ua->tls_lock);
	for (unsigned i = 0; i < http->daemons; i++)
		daemon_replace(http, i, &ua->tls);
	pthread_mutex_unlock(&ua->tls_lock);
}

static unsigned connections_of(struct MHD_Daemon *daemon)
{
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

void ua_http_olds_serve(struct ua_http *http)
{
	for (unsigned i = http->olds; i-- > 0;) {
		struct MHD_Daemon *old = http->old[i];

		MHD_run(old);
		if (connections_of(old) > 0)
			continue;
		MHD_stop_daemon(old);
		http->old[i] = http->old[--http->olds];
	}
}
