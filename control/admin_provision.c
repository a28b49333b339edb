// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// PUT /v1/subscribers/IMPI: one subscriber as a line of an import would have it. The body's
// members are the columns; what is absent is empty, so that the same call again changes nothing.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "conf.h"
#include "csv_row.h"
#include "dp.h"
#include "gba.h"
#include "subscriber_json.h"

// Services as ids, and what goes with them.
struct services {
	store_service_id id[STORE_SET_MAX];
	size_t n;
	unsigned profiles; // 1 << enum store_profile of their key groups
};

struct put {
	struct ctl *ctl;
	struct store_subscriber sub; // secret
	struct services authorised, registered;
	store_id id;
	bool is_new;
};

static int refuse(struct admin_reply *reply, const char *member, const char *why)
{
	admin_error(reply, 400, "bad-value", "%s: %s.", member, why);
	json_object_set_new(reply->body, "column", json_string(member));
	return -EINVAL;
}

// --- Members to cells -------------------------------------------------------------------------

static bool is_list(enum csv_column column)
{
	return column == CSV_SERVICES || column == CSV_REGISTERED;
}

static int members_check(const struct admin_request *req, struct admin_reply *reply)
{
	const char *names[CSV_COLUMN_COUNT]; // all but the IMPI, and the end
	unsigned n = 0;

	for (enum csv_column column = CSV_IMPI + 1; column < CSV_COLUMN_COUNT; column++)
		names[n++] = csv_column_name(column);
	names[n] = NULL;
	return admin_body_check(req, reply, names);
}

// port and expires may be numbers as well.
static int cell_fill(const json_t *value, const char *name, char number[24], struct csv_text *cell,
	struct admin_reply *reply)
{
	if (value == NULL || json_is_null(value))
		return 0;
	if (json_is_string(value)) {
		*cell = (struct csv_text){json_string_value(value), json_string_length(value)};
		return 0;
	}
	if (!json_is_integer(value))
		return refuse(reply, name, "is to be a text, or a number where it is one");
	cell->data = number;
	cell->len = (size_t)snprintf(number, 24, "%lld", (long long)json_integer_value(value));
	return 0;
}

static int cells_fill(const struct admin_request *req, struct csv_cells *cells,
	char number[CSV_COLUMN_COUNT][24], struct admin_reply *reply)
{
	int ret = members_check(req, reply);

	memset(cells, 0, sizeof(*cells));
	cells->cell[CSV_IMPI] = (struct csv_text){req->arg[0], strlen(req->arg[0])};
	for (enum csv_column column = CSV_IMPI + 1; column < CSV_COLUMN_COUNT && ret == 0;
		column++) {
		const char *name = csv_column_name(column);

		if (!is_list(column))
			ret = cell_fill(json_object_get(req->body, name), name, number[column],
				&cells->cell[column], reply);
	}
	return ret;
}

// --- Services ---------------------------------------------------------------------------------

static void profiles_add(
	const struct store_reader *r, const struct store_service *service, unsigned *profiles)
{
	struct store_group group;

	for (unsigned i = 0; i < service->group_count; i++)
		if (store_reader_group(r, &service->group[i], &group) == 0)
			*profiles |= 1u << group.profile;
}

static int services_find(const struct store_reader *r, const json_t *list, const char *member,
	struct services *out, struct admin_reply *reply)
{
	struct store_service service;
	const json_t *name;
	size_t i;

	*out = (struct services){0};
	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > STORE_SET_MAX)
		return refuse(reply, member, "is to be a list of at most 64 names");
	json_array_foreach(list, i, name)
	{
		const char *text = json_string_value(name);

		if (text == NULL || strlen(text) > STORE_NAME_MAX ||
			store_reader_service_by_name(r, text, &service) != 0)
			return refuse(reply, member, "there is no such service");
		out->id[out->n++] = service.id;
		profiles_add(r, &service, &out->profiles);
	}
	return 0;
}

static int uicc_check(struct put *put, struct admin_reply *reply)
{
	unsigned profiles = put->authorised.profiles;
	char why[256];

	if (!(put->sub.flags & STORE_IN_UICC) || put->sub.btid[0] == '\0')
		return 0;
	if (profiles == 0)
		profiles = 1u << STORE_PROFILE_TS33246;
	for (unsigned profile = STORE_PROFILE_TS33246; profile <= STORE_PROFILE_V600; profile++)
		if ((profiles >> profile & 1) != 0 &&
			ctl_uicc_check(put->ctl, profile, strlen(put->sub.btid), why) != 0)
			return refuse(reply, "btid", why);
	return 0;
}

static int services_fill(
	const struct admin_request *req, struct put *put, struct admin_reply *reply)
{
	const json_t *registered = json_object_get(req->body, "registered");
	struct store_reader *r;
	int ret = admin_reader_get(req, reply, &r);

	if (ret != 0)
		return ret;
	ret = services_find(
		r, json_object_get(req->body, "services"), "services", &put->authorised, reply);
	put->registered = put->authorised;
	if (ret == 0 && registered != NULL && !json_is_null(registered))
		ret = services_find(r, registered, "registered", &put->registered, reply);
	ctl_reader_put(req->ctl, r);
	return ret != 0 ? ret : uicc_check(put, reply);
}

// --- The subscriber ---------------------------------------------------------------------------

// The packet path needs the HMAC states of a MUK.
static int state_prepare(struct ctl *ctl, struct store_subscriber *sub)
{
	struct dp_muk_prep *prep;
	int ret;

	if (!(sub->flags & STORE_HAS_MUK))
		return 0;
	ret = dp_muk_prep_create((unsigned)ctl->conf->workers.crypto, &prep);
	if (ret != 0)
		return ret;
	ret = dp_muk_prep_burst(
		prep, sub->muk.byte, sizeof(*sub), &sub->muk_state, sizeof(*sub), 1);
	dp_muk_prep_destroy(prep);
	return ret;
}

static int row_read(const struct admin_request *req, struct put *put, struct admin_reply *reply)
{
	char number[CSV_COLUMN_COUNT][24];
	struct csv_error error = {0};
	struct csv_cells cells;
	struct gba *gba;
	int ret = cells_fill(req, &cells, number, reply);

	if (ret != 0)
		return ret;
	ret = gba_create(&gba);
	if (ret != 0) {
		admin_error_store(reply, ret, "subscriber");
		return ret;
	}
	ret = csv_row_read(&cells, gba, &put->sub, &error);
	gba_destroy(gba);
	if (ret == 0)
		return 0;
	return refuse(reply, error.column[0] != '\0' ? error.column : "impi", error.why);
}

// In the writer's thread.
static int put_job(struct store_txn *txn, void *arg)
{
	struct put *put = arg;
	int ret =
		store_set_intern(txn, put->authorised.id, put->authorised.n, &put->sub.authorised);

	if (ret == 0)
		ret = store_set_intern(
			txn, put->registered.id, put->registered.n, &put->sub.registered);
	if (ret != 0 || store_subscriber_is_there(txn, &put->sub, &put->id))
		return ret;
	ret = store_subscriber_put(
		txn, &put->sub, ctl_may_reuse_ids(put->ctl), &put->id, &put->is_new);
	if (ret == 0 && put->id >= ctl_max_subscribers(put->ctl))
		return -EDQUOT;
	if (ret == 0)
		ctl_store_changed(put->ctl, put->id, 1);
	return ret;
}

static void outcome_reply(
	const struct admin_request *req, struct admin_reply *reply, const struct put *put, int ret)
{
	struct store_reader *r;

	if (ret == -EEXIST) {
		admin_error(
			reply, 409, "btid-of-another", "This B-TID belongs to another subscriber.");
	} else if (ret == -EBUSY) {
		admin_error(reply, 409, "import-running", "An import runs: try again after it.");
	} else if (ret == -EDQUOT) {
		admin_error(reply, 507, "too-many-subscribers",
			"store.max_subscribers allows no more.");
	} else if (ret != 0) {
		admin_error_store(reply, ret, "subscriber");
	} else if (admin_reader_get(req, reply, &r) == 0) {
		reply->status = put->is_new ? 201 : 200;
		reply->body = subscriber_json(r, put->id, time(NULL));
		ctl_reader_put(req->ctl, r);
	}
}

void admin_subscriber_put(const struct admin_request *req, struct admin_reply *reply)
{
	struct put put = {.ctl = req->ctl};
	int ret = row_read(req, &put, reply);

	if (ret == 0)
		ret = services_fill(req, &put, reply);
	if (ret == 0) {
		ret = state_prepare(req->ctl, &put.sub);
		if (ret == 0)
			ret = ctl_writer_run(req->ctl, put_job, &put);
		outcome_reply(req, reply, &put, ret);
	}
	explicit_bzero(&put, sizeof(put));
}
