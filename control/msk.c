// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Rules of the store are checked there, inside the transaction; msk_lock keeps two operators from
// making an MSK from the same state of things.

#include "msk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/evp.h>

#include "campaign.h"

#define CSB_TRIES 16

uint16_t msk_number_after(uint16_t number)
{
	return number == UINT16_MAX ? 1 : (uint16_t)(number + 1);
}

void msk_check_text(const struct store_secret16 *key, char out[MSK_CHECK_TEXT])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};

	EVP_Digest(key->byte, sizeof(key->byte), digest, NULL, EVP_sha256(), NULL);
	snprintf(out, MSK_CHECK_TEXT, "%02x%02x%02x", digest[0], digest[1], digest[2]);
	explicit_bzero(digest, sizeof(digest));
}

static int random_fill(void *to, size_t n)
{
	return getrandom(to, n, 0) == (ssize_t)n ? 0 : -EIO;
}

struct creation {
	struct store_msk *msk;
	struct store_msk revoked; // the next one that makes room for it; number 0: none
};

static int creation_job(struct store_txn *txn, void *arg)
{
	struct creation *c = arg;
	int ret = c->revoked.number != 0 ? store_msk_put(txn, &c->revoked) : 0;

	return ret != 0 ? ret : store_msk_put(txn, c->msk);
}

// Keys, RAND and CSB ID are drawn once an MSK. In the old encoding the CSB ID names
// the group.
static int msk_draw(struct store_msk *msk, const struct store_group *group)
{
	int ret = random_fill(&msk->key, sizeof(msk->key));

	if (ret == 0)
		ret = random_fill(msk->rand, sizeof(msk->rand));
	if (group->profile == STORE_PROFILE_V600)
		msk->csb_id = group->id.group;
	else if (ret == 0)
		ret = random_fill(&msk->csb_id, sizeof(msk->csb_id));
	return ret;
}

static bool group_has(const struct store_reader *r, const struct store_group_id *group,
	uint8_t state, struct store_msk *msk)
{
	*msk = (struct store_msk){0};
	while (store_reader_msk_next(r, group, msk->number, msk) == 0)
		if (msk->state == state)
			return true;
	explicit_bzero(msk, sizeof(*msk));
	return false;
}

// A next one that is revoked, and that no campaign takes away from phones now, is retired.
static void revoked_find(struct ctl *ctl, const struct store_reader *r,
	const struct store_group_id *group, struct store_msk *out)
{
	if (group_has(r, group, STORE_MSK_NEXT, out) && out->seq_l > out->seq_u &&
		campaigns_of_msk(ctl->campaigns, group, out->number) == 0)
		out->state = STORE_MSK_RETIRED;
	else
		explicit_bzero(out, sizeof(*out));
}

static int creation_prepare(struct ctl *ctl, struct creation *c, struct store_group *group)
{
	struct store_msk *msk = c->msk, current;
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &msk->group, group);
	if (ret == 0) {
		msk->state = group_has(r, &msk->group, STORE_MSK_CURRENT, &current)
			? STORE_MSK_NEXT
			: STORE_MSK_CURRENT;
		msk->number = msk_number_after(group->last_key_number);
		revoked_find(ctl, r, &msk->group, &c->revoked);
	}
	explicit_bzero(&current, sizeof(current));
	ctl_reader_put(ctl, r);
	return ret;
}

int msk_new(struct ctl *ctl, const struct store_group_id *group, uint16_t seq_l, uint16_t seq_u,
	struct store_msk *out)
{
	uint32_t now = (uint32_t)time(NULL);
	struct creation creation = {.msk = out};
	struct store_group record;
	int ret;

	*out = (struct store_msk){.group = *group, .seq_l = seq_l, .seq_u = seq_u, .created = now};
	pthread_mutex_lock(&ctl->msk_lock);
	ret = creation_prepare(ctl, &creation, &record);
	out->activated = out->state == STORE_MSK_CURRENT ? now : 0;
	// A CSB ID that a living MSK has is -EEXIST: draw again.
	for (int tries = 0; ret == 0 || (ret == -EEXIST && tries < CSB_TRIES); tries++) {
		ret = msk_draw(out, &record);
		if (ret == 0)
			ret = ctl_writer_run(ctl, creation_job, &creation);
		if (ret == 0)
			break;
	}
	pthread_mutex_unlock(&ctl->msk_lock);
	explicit_bzero(&creation, sizeof(creation));
	if (ret != 0)
		explicit_bzero(out, sizeof(*out));
	return ret;
}

struct activation {
	struct store_msk next;
	struct store_msk current;
	bool has_current;
};

static int activate_job(struct store_txn *txn, void *arg)
{
	struct activation *a = arg;
	int ret = a->has_current ? store_msk_put(txn, &a->current) : 0;

	return ret != 0 ? ret : store_msk_put(txn, &a->next);
}

static int activation_prepare(
	struct ctl *ctl, const struct store_group_id *group, uint16_t number, struct activation *a)
{
	uint16_t after = 0;
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	while (store_reader_msk_next(r, group, after, &a->current) == 0) {
		after = a->current.number;
		a->has_current = a->current.state == STORE_MSK_CURRENT;
		if (a->has_current)
			break;
	}
	ret = store_reader_msk(r, group, number, &a->next);
	ctl_reader_put(ctl, r);
	if (ret == 0 && a->next.state != STORE_MSK_NEXT)
		ret = -EBUSY;
	return ret;
}

int msk_activate(
	struct ctl *ctl, const struct store_group_id *group, uint16_t number, struct store_msk *out)
{
	struct activation a = {0};
	int ret;

	pthread_mutex_lock(&ctl->msk_lock);
	ret = activation_prepare(ctl, group, number, &a);
	if (ret == 0) {
		a.current.state = STORE_MSK_RETIRED;
		a.next.state = STORE_MSK_CURRENT;
		a.next.activated = (uint32_t)time(NULL);
		ret = ctl_writer_run(ctl, activate_job, &a);
	}
	pthread_mutex_unlock(&ctl->msk_lock);
	if (ret == 0)
		*out = a.next;
	explicit_bzero(&a, sizeof(a));
	return ret;
}

struct revocation {
	struct ctl *ctl;
	struct store_msk *msk;
};

// Single pushes under way tell of it from now on, too.
static int revoke_job(struct store_txn *txn, void *arg)
{
	struct revocation *revocation = arg;
	int ret = store_msk_put(txn, revocation->msk);

	if (ret == 0)
		ctl_store_changed(revocation->ctl, 0, 0);
	return ret;
}

int msk_revoke(
	struct ctl *ctl, const struct store_group_id *group, uint16_t number, struct store_msk *out)
{
	struct revocation revocation = {ctl, out};
	struct store_reader *r;
	int ret;

	pthread_mutex_lock(&ctl->msk_lock);
	ret = ctl_reader_get(ctl, &r);
	if (ret == 0) {
		ret = store_reader_msk(r, group, number, out);
		ctl_reader_put(ctl, r);
	}
	if (ret == 0 && out->state == STORE_MSK_RETIRED)
		ret = -EBUSY;
	if (ret == 0 && campaigns_of_msk(ctl->campaigns, group, number) != 0)
		ret = -EINPROGRESS;
	if (ret == 0) {
		out->seq_l = 1;
		out->seq_u = 0;
		ret = ctl_writer_run(ctl, revoke_job, &revocation);
	}
	pthread_mutex_unlock(&ctl->msk_lock);
	if (ret != 0)
		explicit_bzero(out, sizeof(*out));
	return ret;
}
