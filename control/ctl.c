// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "dp.h"

#define COMMAND_TRIES 200

uint64_t ctl_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int ctl_reader_get(struct ctl *ctl, struct store_reader **out)
{
	return store_reader_create(ctl->env, out);
}

void ctl_reader_put(struct ctl *ctl, struct store_reader *r)
{
	(void)ctl;
	store_reader_destroy(r);
}

static int nothing_job(struct store_txn *txn, void *arg)
{
	(void)txn;
	(void)arg;
	return 0;
}

int ctl_writer_commit(struct ctl *ctl)
{
	return ctl_writer_run(ctl, nothing_job, NULL);
}

int ctl_command(struct ctl *ctl, const struct dp_cmd *cmd)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	int ret = -EAGAIN;

	for (int tries = 0; ret == -EAGAIN && tries < COMMAND_TRIES; tries++) {
		if (tries > 0)
			nanosleep(&nap, NULL);
		pthread_mutex_lock(&ctl->dp_lock);
		ret = ctl->dp == NULL ? 0 : dp_command(ctl->dp, cmd);
		pthread_mutex_unlock(&ctl->dp_lock);
	}
	return ret;
}

uint32_t ctl_max_subscribers(const struct ctl *ctl)
{
	return (uint32_t)ctl->conf->store.max_subscribers;
}

int ctl_uicc_check(const struct ctl *ctl, unsigned profile, size_t btid_len, char why[256])
{
	// IDi is the FQDN, or the three octets of the key domain.
	size_t idi_len = profile == STORE_PROFILE_V600 ? STORE_KDI_BYTES : strlen(ctl->conf->fqdn);
	size_t bytes = dp_msk_message_bytes(profile, idi_len, btid_len);

	if (bytes != 0 && bytes <= CTL_UICC_MAX)
		return 0;
	snprintf(why, 256,
		"keys are in the UICC, which takes messages of at most %d octets, and its MSK "
		"messages would have %zu: %zu + IDi %zu + B-TID %zu",
		CTL_UICC_MAX, bytes, bytes - idi_len - btid_len, idi_len, btid_len);
	return -E2BIG;
}

void ctl_campaign_defaults(struct ctl *ctl, struct conf_campaign *out)
{
	pthread_mutex_lock(&ctl->conf_lock);
	*out = ctl->conf->campaign;
	pthread_mutex_unlock(&ctl->conf_lock);
}
