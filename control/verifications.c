// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "verifications.h"

#include "dp.h"
#include "log.h"

static void batch_take(struct ctl *ctl, struct verifications *v)
{
	struct dp_verification got[VERIFICATIONS];

	pthread_mutex_lock(&ctl->dp_lock);
	v->n = ctl->dp == NULL ? 0 : dp_verifications(ctl->dp, got, VERIFICATIONS);
	pthread_mutex_unlock(&ctl->dp_lock);
	for (size_t i = 0; i < v->n; i++)
		v->list[i] = (struct store_verification){got[i].id, got[i].muk_check};
}

static int note_job(struct store_txn *txn, void *arg)
{
	const struct verifications *v = arg;

	return store_subscriber_verified_under(txn, v->list, v->n);
}

// Whether there may be more to note.
static bool batch_note(struct ctl *ctl, struct verifications *v)
{
	uint64_t now_ms = ctl_clock_ms();
	bool is_full;
	int ret;

	if (!retry_is_due(&v->retry, now_ms))
		return false;
	if (v->n == 0)
		batch_take(ctl, v);
	if (v->n == 0)
		return false;
	ret = ctl_writer_run(ctl, note_job, v);
	if (ret != 0)
		log_warning("verifications-not-noted", "errno=%d", -ret);
	if (ret != 0 && retry_later(&v->retry, now_ms))
		return false;
	is_full = v->n == VERIFICATIONS;
	v->n = 0;
	v->retry = (struct retry){0};
	return is_full;
}

void verifications_note(struct ctl *ctl, struct verifications *v)
{
	while (batch_note(ctl, v))
		;
}
