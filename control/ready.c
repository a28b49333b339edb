// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The one line that tells what has been started.

#include "ready.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "dp.h"
#include "log.h"

static void cpus_text(const struct dp_status *status, char out[160])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < status->workers && n < 150; i++)
		n += (size_t)snprintf(out + n, 160 - n, "%s%d", i > 0 ? " " : "", status->cpu[i]);
}

static uint32_t subscribers_count(struct ctl *ctl)
{
	struct store_reader *r;
	uint32_t n;

	if (ctl_reader_get(ctl, &r) != 0)
		return 0;
	n = store_reader_subscriber_count(r);
	ctl_reader_put(ctl, r);
	return n;
}

void ready_report(struct ctl *ctl, uint32_t counter_first)
{
	struct store_env_info info = {0};
	struct dp_status status = {0};
	char cpus[160];

	pthread_mutex_lock(&ctl->dp_lock);
	dp_status_read(ctl->dp, &status);
	pthread_mutex_unlock(&ctl->dp_lock);
	store_env_info(ctl->env, &info);
	cpus_text(&status, cpus);
	log_info("ready",
		"version=%s pid=%d crypto=\"%s\" workers=%u cpus=\"%s\" port=\"%s\" driver=%s "
		"link=%s queues=%u checksums=%s store=\"%s\" subscribers=%u used-bytes=%lu "
		"map-bytes=%lu counter-first=%u counter-mark=%u socket=\"%s\"",
		MSKPUSH_VERSION, (int)getpid(), status.crypto, status.workers, cpus,
		status.port.name, status.port.driver, status.port.is_up ? "up" : "down",
		status.port.queues, status.port.is_udp_checksum_offloaded ? "device" : "software",
		ctl->conf->store.dir, subscribers_count(ctl), (unsigned long)info.used_bytes,
		(unsigned long)info.map_bytes, counter_first, status.counter_mark,
		ctl->conf->socket);
}
