// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Campaigns over the admin socket.

#include "client.h"

static void campaign_is_started_steered_and_reported(void **state)
{
	struct site *s = client.site;
	struct dp_campaign *c;

	(void)state;
	site_subscribers(s, 3);
	assert_int_equal(
		call("POST /v1/campaigns",
			"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"rate\":5,\"sends\":2,"
			"\"waits\":[3]}"),
		201);
	assert_int_equal(number("members"), 3);
	assert_int_equal(number("pending"), 3);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->wait_ms[1], 3000);
	assert_int_equal(c->rate, 5);
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"group\":\"001-01/0001\"}", 409,
		"campaign-running");
	assert_int_equal(number("campaign"), 1);
	assert_int_equal(call("POST /v1/campaigns/1/pause", NULL), 200);
	assert_string_equal(text("state"), "paused");
	assert_string_equal(text("stall"), "paused");
	assert_int_equal(call("POST /v1/campaigns/1/resume", NULL), 200);
	assert_string_equal(text("state"), "running");
	assert_int_equal(call("PATCH /v1/campaigns/1", "{\"rate\":9}"), 200);
	assert_int_equal(number("rate"), 9);
	fake_dp_refused(c, 1, DP_REFUSED_NO_ADDRESS);
	fake_dp_sent(c, 0, 1);
	fake_dp_sent(c, 2, 2);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_through(s->dp, c);
	settle_step(&s->ctl);
	settle_step(&s->ctl);
	assert_int_equal(call("GET /v1/campaigns/1", NULL), 200);
	assert_string_equal(text("state"), "done");
	assert_int_equal(number("verified"), 1);
	assert_int_equal(number("given_up"), 1);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(client.body, "refused_by"), "no-address")),
		1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(client.body, "msk"), "number")),
		"0001");
	expect_error("POST /v1/campaigns/1/pause", NULL, 409, "campaign-closed");
	expect_error("PATCH /v1/campaigns/1", "{\"rate\":9}", 409, "campaign-closed");
	expect_error("GET /v1/campaigns/2", NULL, 404, "not-found");
	expect_error("GET /v1/campaigns/0", NULL, 400, "bad-id");
	expect_error("GET /v1/campaigns/1x", NULL, 400, "bad-id");
}

static void undelivered_members_come_page_by_page(void **state)
{
	struct site *s = client.site;
	struct dp_campaign *c;
	json_t *member;

	(void)state;
	c = site_campaign(s, 4, 2, NULL);
	fake_dp_refused(c, 0, DP_REFUSED_NO_MUK);
	fake_dp_sent(c, 1, 1);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	fake_dp_sent(c, 2, 2);
	assert_int_equal(call("GET /v1/campaigns/1/undelivered?limit=2", NULL), 200);
	assert_int_equal(number("next"), 2);
	member = json_array_get(json_object_get(client.body, "members"), 0);
	assert_string_equal(json_string_value(json_object_get(member, "state")), "refused");
	assert_string_equal(json_string_value(json_object_get(member, "why")), "no-muk");
	assert_string_equal(json_string_value(json_object_get(member, "impi")), "100000@x");
	member = json_array_get(json_object_get(client.body, "members"), 1);
	assert_string_equal(json_string_value(json_object_get(member, "state")), "pending");
	assert_int_equal(json_integer_value(json_object_get(member, "sends")), 2);
	assert_int_equal(call("GET /v1/campaigns/1/undelivered?limit=2&after=2", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "members")), 1);
	assert_true(json_is_null(json_object_get(client.body, "next")));
	expect_error("GET /v1/campaigns/1/undelivered?limit=0", NULL, 400, "bad-value");
	expect_error("GET /v1/campaigns/1/undelivered?limit=10001", NULL, 400, "bad-query");
	expect_error("GET /v1/campaigns/1/undelivered?after=-1", NULL, 400, "bad-query");
	expect_error("GET /v1/campaigns/9/undelivered", NULL, 404, "not-found");
}

static void expect_area(size_t i, const char *name, const char *counts)
{
	const json_t *area = json_array_get(json_object_get(client.body, "areas"), i);
	char text[80];

	snprintf(text, sizeof(text), "%lld %lld %lld %lld %lld",
		json_integer_value(json_object_get(area, "members")),
		json_integer_value(json_object_get(area, "verified")),
		json_integer_value(json_object_get(area, "given_up")),
		json_integer_value(json_object_get(area, "refused")),
		json_integer_value(json_object_get(area, "pending")));
	assert_string_equal(text, counts);
	if (name == NULL)
		assert_true(json_is_null(json_object_get(area, "name")));
	else
		assert_string_equal(json_string_value(json_object_get(area, "name")), name);
}

// The fake finds areas by the last octet of the address, which is 0 for all of them.
static void areas_add_up_to_the_campaign_open_and_closed(void **state)
{
	struct site *s = client.site;
	struct dp_campaign *c;

	(void)state;
	c = site_campaign(s, 5, 1, NULL);
	assert_int_equal(call("GET /v1/campaigns/1/areas", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "areas")), 1);
	expect_area(0, NULL, "5 0 0 0 5");
	s->conf.areas = s->dp->areas = 1;
	snprintf(s->conf.area[0].name, sizeof(s->conf.area[0].name), "north");
	fake_dp_refused(c, 0, DP_REFUSED_NO_ADDRESS);
	for (store_id id = 1; id < 5; id++)
		fake_dp_sent(c, id, 1);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	fake_dp_verified(c, 2, DP_DONE_CURRENT);
	assert_int_equal(call("GET /v1/campaigns/1/areas", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "areas")), 1);
	expect_area(0, "north", "5 2 0 1 2");
	fake_dp_through(s->dp, c);
	site_settle(s);
	assert_int_equal(call("GET /v1/campaigns/1/areas", NULL), 200);
	expect_area(0, "north", "5 2 2 1 0");
	expect_error("GET /v1/campaigns/2/areas", NULL, 404, "not-found");
	expect_error("GET /v1/campaigns/x/areas", NULL, 400, "bad-id");
}

static void list_holds_the_newest_first_and_no_more_than_asked(void **state)
{
	(void)state;
	site_subscribers(client.site, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			call("POST /v1/campaigns",
				"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"subscriber\":"
				"\"100000@x\"}"),
			201);
	assert_int_equal(call("GET /v1/campaigns?limit=2", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "campaigns")), 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			json_integer_value(json_object_get(
				json_array_get(json_object_get(client.body, "campaigns"), i),
				"id")),
			3 - i);
	assert_int_equal(call("GET /v1/campaigns", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "campaigns")), 3);
	expect_error("GET /v1/campaigns?limit=0", NULL, 400, "bad-value");
	expect_error("GET /v1/campaigns?limit=1001", NULL, 400, "bad-query");
}

static void order_that_cannot_be_is_refused_by_name(void **state)
{
	(void)state;
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\"}", 400, "bad-group");
	expect_error("POST /v1/campaigns", "{\"kind\":\"pull\",\"group\":\"001-01/0001\"}", 400,
		"bad-value");
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"group\":\"001-01/0009\"}", 404,
		"unknown-group");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"sends\":32}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"sends\":0}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"waits\":[]}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"waits\":[\"1\"]}", 400,
		"bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"new\":1}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"subscriber\":\"nix\"}", 404,
		"unknown-subscriber");
	assert_int_equal(call("PUT /v1/groups/001-01/0002", NULL), 201);
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"group\":\"001-01/0002\"}", 409,
		"no-msk");
	assert_int_equal(call("POST /v1/campaigns",
				 "{\"kind\":\"push\",\"group\":\"001-01/0002\",\"new\":true}"),
		201);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(campaign_is_started_steered_and_reported),
		WITH_CLIENT(undelivered_members_come_page_by_page),
		WITH_CLIENT(areas_add_up_to_the_campaign_open_and_closed),
		WITH_CLIENT(list_holds_the_newest_first_and_no_more_than_asked),
		WITH_CLIENT(order_that_cannot_be_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
