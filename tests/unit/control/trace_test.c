// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// GET /v1/subscribers/NAME/trace.

#include <string.h>

#include "client.h"
#include "history.h"
#include "ua_items.h"
#include "ua_result.h"
#include "ua_server.h"

#define GROUP "001-01/0001"

// A member of the last answer: "events", 0, "state".
static const json_t *at(const char *list, size_t i, const char *name)
{
	return json_object_get(json_array_get(json_object_get(client.body, list), i), name);
}

static void expect_text(const char *list, size_t i, const char *name, const char *wanted)
{
	const char *seen = json_string_value(at(list, i, name));

	if (seen == NULL || strcmp(seen, wanted) != 0)
		fail_msg("%s[%zu].%s is %s, not %s", list, i, name, seen != NULL ? seen : "no text",
			wanted);
}

static const char *delivery(const char *name)
{
	return json_string_value(json_object_get(at("groups", 0, "delivery"), name));
}

static void trace(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "GET /v1/subscribers/%s/trace", name);
	assert_int_equal(call(line, NULL), 200);
}

static void single_push(store_id id, unsigned state, unsigned sends, unsigned refusal)
{
	client.site->dp->push_event[client.site->dp->push_events++] = (struct dp_push_event){
		.id = id,
		.note = {.group = 1,
			.kdi = {0x00, 0xf1, 0x10},
			.number = 1,
			.state = (uint8_t)state,
			.sends = (uint8_t)sends,
			.refusal = (uint8_t)refusal},
	};
}

static void a_phone_nothing_happened_to_has_a_short_story(void **state)
{
	(void)state;
	client.site->ctl.started_ms = 1000;
	site_subscribers(client.site, 2);
	trace("b1@x");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(client.body, "subscriber"), "btid")),
		"b1@x");
	assert_int_equal(json_array_size(json_object_get(client.body, "events")), 0);
	assert_int_equal(json_array_size(json_object_get(client.body, "campaigns")), 0);
	assert_true(json_is_string(json_object_get(client.body, "events_since")));
	expect_text("groups", 0, "group", GROUP);
	assert_true(json_is_null(at("groups", 0, "delivery")));
}

static void requests_items_and_pushes_come_in_their_order(void **state)
{
	struct history_event request[2] = {
		{.id = 1,
			.kind = HISTORY_REQUEST,
			.what = UA_MSK_REQUEST,
			.result = UA_OK,
			.address = {{[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 7}}},
		{.id = 1,
			.kind = HISTORY_ITEM,
			.what = UA_MSK_REQUEST,
			.result = UA_ITEM_OK,
			.group = {{0x00, 0xf1, 0x10}, 1},
			.number = 1},
	};

	(void)state;
	site_subscribers(client.site, 2);
	history_add(client.site->ctl.history, request, 2);
	single_push(1, DP_PUSH_SENT, 1, 0);
	single_push(0, DP_PUSH_SENT, 1, 0);
	single_push(1, DP_PUSH_VERIFIED, 1, 0);
	settle_step(&client.site->ctl);
	trace("b1@x");
	assert_int_equal(json_array_size(json_object_get(client.body, "events")), 4);
	expect_text("events", 0, "event", "request");
	expect_text("events", 0, "address", "10.0.0.7");
	expect_text("events", 0, "procedure", "msk-request");
	expect_text("events", 1, "event", "item");
	expect_text("events", 1, "code", "200 OK");
	expect_text("events", 1, "group", GROUP);
	expect_text("events", 2, "state", "sent");
	expect_text("events", 3, "state", "verified");
	assert_string_equal(delivery("state"), "verified");
}

static void why_a_push_was_refused_is_told(void **state)
{
	(void)state;
	site_subscribers(client.site, 1);
	single_push(0, DP_PUSH_REFUSED, 0, DP_REFUSED_NO_ROUTE);
	settle_step(&client.site->ctl);
	trace("b0@x");
	expect_text("events", 0, "reason", "no-route");
	assert_string_equal(delivery("state"), "refused");
	assert_string_equal(delivery("why"), "no-route");
}

static int removed_and_another(store_id id)
{
	assert_int_equal(call("DELETE /v1/subscribers/b0@x", NULL), 200);
	assert_int_equal(call("PUT /v1/subscribers/late@x", "{}"), 201);
	return json_integer_value(json_object_get(client.body, "id")) == id;
}

static void who_gets_an_id_anew_has_nothing_of_who_had_it(void **state)
{
	_Atomic uint64_t note[2] = {1000ull << 32, 1000ull << 32};
	struct ua ua = {.ctl = &client.site->ctl, .note = note};

	(void)state;
	assert_int_equal(ua_ha1_create(64, &ua.ha1), 0);
	site_subscribers(client.site, 2);
	client.site->dp->note[0] = (struct dp_push_note){
		.at_s = 1000, .group = 1, .number = 1, .state = DP_PUSH_VERIFIED};
	client.site->ctl.ua = &ua;
	assert_int_equal(call("GET /v1/subscribers/b0@x", NULL), 200);
	assert_true(json_is_object(json_object_get(client.body, "last_pull")));
	assert_true(json_is_object(json_object_get(client.body, "last_push")));
	assert_true(removed_and_another(0));
	assert_int_equal(call("GET /v1/subscribers/late@x", NULL), 200);
	assert_true(json_is_null(json_object_get(client.body, "last_pull")));
	assert_true(json_is_null(json_object_get(client.body, "last_push")));
	assert_int_equal(call("GET /v1/subscribers/b1@x", NULL), 200);
	assert_true(json_is_object(json_object_get(client.body, "last_pull")));
	client.site->ctl.ua = NULL;
	ua_ha1_destroy(ua.ha1);
}

static void campaigns_tell_what_became_of_it(void **state)
{
	struct dp_campaign *c;
	uint32_t id;

	(void)state;
	c = site_campaign(client.site, 3, 2, &id);
	fake_dp_sent(c, 1, 1);
	fake_dp_sent(c, 2, 2);
	fake_dp_verified(c, 2, DP_DONE_CURRENT);
	site_settle(client.site);
	trace("b1@x");
	expect_text("campaigns", 0, "state", "pending");
	expect_text("campaigns", 0, "campaign", "running");
	assert_int_equal(json_integer_value(at("campaigns", 0, "sends")), 1);
	fake_dp_through(client.site->dp, c);
	site_settle(client.site);
	trace("b1@x");
	expect_text("campaigns", 0, "state", "given-up");
	expect_text("campaigns", 0, "why", "no-answer");
	assert_string_equal(delivery("state"), "given-up");
	trace("b2@x");
	expect_text("campaigns", 0, "state", "verified");
	assert_string_equal(delivery("state"), "verified");
	assert_int_equal(
		json_integer_value(json_object_get(at("groups", 0, "delivery"), "campaign")), id);
	// What fails later does not take the key away.
	single_push(2, DP_PUSH_GIVEN_UP, 8, 0);
	settle_step(&client.site->ctl);
	trace("b2@x");
	assert_string_equal(delivery("state"), "verified");
}

static int expired_job(struct store_txn *txn, void *sub)
{
	store_id id;
	bool is_new;

	return store_subscriber_put(txn, sub, false, &id, &is_new);
}

// Commits that change a subscriber, until the pages of before are used again.
static void others_commit(unsigned n)
{
	struct ctl *ctl = &client.site->ctl;
	struct store_subscriber sub;
	struct store_reader *r;

	for (unsigned i = 1; i <= n; i++) {
		assert_int_equal(ctl_reader_get(ctl, &r), 0);
		assert_int_equal(store_reader_subscriber(r, 0, &sub), 0);
		ctl_reader_put(ctl, r);
		sub.expires = i;
		assert_int_equal(ctl_writer_run(ctl, expired_job, &sub), 0);
	}
}

static bool others_are_busy;
// The linker puts this one in its place.
int __real_campaign_view(
	struct ctl *ctl, struct store_reader *r, uint32_t id, struct campaign_view *out);
int __wrap_campaign_view(
	struct ctl *ctl, struct store_reader *r, uint32_t id, struct campaign_view *out);
int __wrap_campaign_view(
	struct ctl *ctl, struct store_reader *r, uint32_t id, struct campaign_view *out)
{
	unsigned n = others_are_busy ? 20 : 0;
	int ret;

	others_commit(n);
	ret = __real_campaign_view(ctl, r, id, out);
	others_commit(n);
	return ret;
}

// One that the daemon does not know to be open: it looks whether that has been closed since.
static int running_job(struct store_txn *txn, void *arg)
{
	struct store_campaign record = {.state = STORE_CAMPAIGN_RUNNING,
		.group = client.site->group,
		.msk_number = 1,
		.members = 2,
		.span = 2};
	uint8_t state[STORE_SLICE];
	int ret = store_campaign_next_id(txn, &record.id);

	(void)arg;
	memset(state, STORE_MEMBER_NONE, sizeof(state));
	state[0] = state[1] = 1;
	if (ret == 0)
		ret = store_campaign_put(txn, &record);
	return ret != 0 ? ret : store_campaign_slice_put(txn, record.id, 0, state);
}

static void story_is_of_one_moment_while_others_write(void **state)
{
	(void)state;
	site_subscribers(client.site, 2);
	assert_int_equal(ctl_writer_run(&client.site->ctl, running_job, NULL), 0);
	others_are_busy = true;
	trace("b0@x");
	others_are_busy = false;
	assert_int_equal(json_array_size(json_object_get(client.body, "campaigns")), 1);
	expect_text("groups", 0, "reason", "no-address");
	trace("b0@x");
	expect_text("groups", 0, "reason", "muk-expired");
}

static void what_is_asked_wrongly_is_refused(void **state)
{
	(void)state;
	site_subscribers(client.site, 1);
	expect_error("GET /v1/subscribers/nobody/trace", NULL, 404, "unknown-subscriber");
	expect_error("GET /v1/subscribers/b0@x/trace?limit=0", NULL, 400, "bad-query");
	expect_error("GET /v1/subscribers/b0@x/trace?limit=10001", NULL, 400, "bad-query");
	expect_error("GET /v1/subscribers/b0@x/trace?limit=x", NULL, 400, "bad-query");
	expect_error("POST /v1/subscribers/b0@x/trace", NULL, 405, "bad-method");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(a_phone_nothing_happened_to_has_a_short_story),
		WITH_CLIENT(requests_items_and_pushes_come_in_their_order),
		WITH_CLIENT(why_a_push_was_refused_is_told),
		WITH_CLIENT(who_gets_an_id_anew_has_nothing_of_who_had_it),
		WITH_CLIENT(campaigns_tell_what_became_of_it),
		WITH_CLIENT(story_is_of_one_moment_while_others_write),
		WITH_CLIENT(what_is_asked_wrongly_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
