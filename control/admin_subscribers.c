// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "admin.h"
#include "history.h"
#include "subscriber_json.h"
#include "ua.h"

#include <errno.h>
#include <time.h>

#define LIST_MAX 10000
#define LIST_USUAL 100

// Adds subscribers from *id on until there are limit of them. *id ends behind the last one seen.
static void page_fill(const struct store_reader *r, store_id *id, uint64_t limit, json_t *page)
{
	store_id span = store_reader_span(r);
	int64_t now_s = time(NULL);

	for (; *id < span && json_array_size(page) < limit; (*id)++) {
		const struct store_hot *hot = store_reader_hot(r, *id);
		json_t *subscriber;

		if (hot == NULL || !(store_hot_flags(hot) & STORE_LIVE))
			continue;
		subscriber = subscriber_json(r, *id, now_s);
		// The others go on.
		if (subscriber == NULL)
			subscriber = subscriber_damaged_json(r, *id);
		json_array_append_new(page, subscriber);
	}
}

// Whether a live subscriber stands at id or behind it.
static bool has_more(const struct store_reader *r, store_id id)
{
	store_id span = store_reader_span(r);

	for (; id < span; id++) {
		const struct store_hot *hot = store_reader_hot(r, id);

		if (hot != NULL && (store_hot_flags(hot) & STORE_LIVE))
			return true;
	}
	return false;
}

void admin_subscribers_list(const struct admin_request *req, struct admin_reply *reply)
{
	uint64_t after = 0, limit = LIST_USUAL;
	struct store_reader *r;
	store_id id = 0;
	json_t *page;
	int got;

	got = admin_query_u64(req, reply, "after", UINT32_MAX, &after);
	if (got < 0 || admin_query_u64(req, reply, "limit", LIST_MAX, &limit) < 0)
		return;
	if (limit == 0) {
		admin_error(reply, 400, "bad-query", "limit has to be 1 to %d.", LIST_MAX);
		return;
	}
	if (got == 1)
		id = after < UINT32_MAX ? (store_id)after + 1 : UINT32_MAX;
	if (admin_reader_get(req, reply, &r) != 0)
		return;
	page = json_array();
	page_fill(r, &id, limit, page);
	reply->body = json_pack("{s:o, s:o}", "subscribers", page, "next",
		has_more(r, id) ? json_integer((json_int_t)id - 1) : json_null());
	ctl_reader_put(req->ctl, r);
}

int admin_subscriber_open(const struct admin_request *req, struct admin_reply *reply,
	struct store_reader **r, store_id *id)
{
	int err = admin_reader_get(req, reply, r);

	if (err != 0)
		return err;
	*id = subscriber_find(*r, req->arg[0]);
	if (*id != STORE_ID_NONE)
		return 0;
	ctl_reader_put(req->ctl, *r);
	admin_error(reply, 404, "unknown-subscriber",
		"There is no subscriber with this IMPI or B-TID.");
	return -ENOENT;
}

void admin_subscriber_show(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_reader *r;
	store_id id;

	if (admin_subscriber_open(req, reply, &r, &id) != 0)
		return;
	reply->body = subscriber_json(r, id, time(NULL));
	if (reply->body == NULL)
		admin_error_store(reply, -EIO, "subscriber");
	else
		admin_ua_notes_add(reply->body, req->ctl, id);
	ctl_reader_put(req->ctl, r);
}

struct remove_job {
	struct ctl *ctl;
	store_id id;
	uint32_t campaign; // that holds it
};

// In the writer's thread, where no campaign can begin at the same moment.
static int remove_run(struct store_txn *txn, void *arg)
{
	struct remove_job *job = arg;
	int err;

	job->campaign = ctl_campaign_holding(job->ctl, job->id);
	if (job->campaign != 0)
		return -EBUSY;
	err = store_subscriber_remove(txn, job->id);
	if (err != 0)
		return err;
	ctl_store_changed(job->ctl, job->id, 1);
	// Who gets the id next begins with nothing.
	ua_note_forget(job->ctl->ua, job->id);
	history_add(job->ctl->history,
		&(struct history_event){.id = job->id, .kind = HISTORY_REMOVED}, 1);
	return 0;
}

void admin_subscriber_remove(const struct admin_request *req, struct admin_reply *reply)
{
	struct remove_job job = {.ctl = req->ctl};
	struct store_reader *r;
	int err;

	if (admin_subscriber_open(req, reply, &r, &job.id) != 0)
		return;
	ctl_reader_put(req->ctl, r);
	err = ctl_writer_run(req->ctl, remove_run, &job);
	if (err == -EBUSY && job.campaign != 0) {
		admin_error(reply, 409, "campaign-open",
			"Campaign %u holds this subscriber until it is closed.", job.campaign);
		json_object_set_new(reply->body, "campaign", json_integer(job.campaign));
	} else if (err == -EBUSY) {
		admin_error(reply, 409, "import-running", "An import runs: try again after it.");
	} else if (err != 0) {
		admin_error_store(reply, err, "subscriber");
	}
}
