// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The story of one phone, told in four parts.

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_text(const json_t *object, const char *path)
{
	return json_is_string(value_at(object, path));
}

// --- Who it is ------------------------------------------------------------------------------

static void phone_print(const json_t *trace)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	const json_t *ue = value_at(trace, "subscriber");
	struct table t;

	table_begin(&t, columns, 2);
	table_pair(&t, "impi", "%s", text_at(ue, "impi"));
	table_pair(&t, "btid", "%s", text_at(ue, "btid"));
	table_pair(&t, "muk", "%s, expires %s%s%s", truth_at(ue, "has_muk") ? "there" : "none",
		text_at(ue, "expires"), truth_at(ue, "is_expired") ? " (over)" : "",
		truth_at(ue, "is_verified") ? ", verified under it" : "");
	if (has_text(ue, "prev_btid"))
		table_pair(&t, "previous btid", "%s", text_at(ue, "prev_btid"));
	table_pair(&t, "address", "%s port %" PRIu64 ", keys in %s", text_at(ue, "address"),
		number_at(ue, "port"), text_at(ue, "keys_in"));
	table_text(&t, "services");
	table_list(&t, value_at(ue, "services"));
	table_text(&t, "registered");
	table_list(&t, value_at(ue, "registered"));
	table_pair(&t, "counter", "%" PRIu64 " last, the clock is at %" PRIu64,
		number_at(trace, "counter.last"), number_at(trace, "counter.now"));
	table_end(&t);
}

// --- Key groups -----------------------------------------------------------------------------

// "verified in campaign 7", "given-up in campaign 7, no-answer", "nothing sent"
static void delivery_add(struct table *t, const json_t *delivery)
{
	char campaign[48] = "";

	if (!json_is_object(delivery)) {
		table_text(t, "nothing sent");
		return;
	}
	if (number_at(delivery, "campaign") > 0)
		snprintf(campaign, sizeof(campaign), " in campaign %" PRIu64,
			number_at(delivery, "campaign"));
	table_format(t, "%s%s%s%s", text_at(delivery, "state"), campaign,
		has_text(delivery, "why") ? ", " : "",
		has_text(delivery, "why") ? text_at(delivery, "why") : "");
}

static void groups_print(const json_t *groups)
{
	static const struct table_column columns[] = {{"KEY GROUP", false}, {"MSK", false},
		{"CHECK", false}, {"IT", false}, {"AT", false}, {"IN THE WAY NOW", false}};
	const json_t *g;
	struct table t;
	size_t i;

	puts(json_array_size(groups) > 0 ? "" : "\nIt has to do with no key group.");
	if (json_array_size(groups) == 0)
		return;
	table_begin(&t, columns, 6);
	json_array_foreach(groups, i, g)
	{
		table_text(&t, text_at(g, "group"));
		table_format(&t, "%s%s", text_at(g, "msk.number"),
			strcmp(text_at(g, "msk.state"), "next") == 0 ? " (next)" : "");
		table_text(&t, text_at(g, "msk.check"));
		delivery_add(&t, value_at(g, "delivery"));
		table_text(&t, text_at(g, "delivery.at"));
		table_text(&t, has_text(g, "why") ? text_at(g, "why") : "nothing");
	}
	table_end(&t);
}

// --- Campaigns ------------------------------------------------------------------------------

static void campaigns_print(const json_t *campaigns)
{
	static const struct table_column columns[] = {{"CAMPAIGN", true}, {"KIND", false},
		{"KEY GROUP", false}, {"MSK", false}, {"STARTED", false}, {"IS", false},
		{"IT", false}, {"SENDS", true}, {"WHY", false}};
	const json_t *c;
	struct table t;
	size_t i;

	if (json_array_size(campaigns) == 0)
		return;
	puts("");
	table_begin(&t, columns, 9);
	json_array_foreach(campaigns, i, c)
	{
		table_format(&t, "%" PRIu64, number_at(c, "id"));
		table_text(&t, text_at(c, "kind"));
		table_text(&t, text_at(c, "group"));
		table_text(&t, text_at(c, "msk"));
		table_text(&t, text_at(c, "started"));
		table_text(&t, text_at(c, "campaign"));
		table_text(&t, text_at(c, "state"));
		if (json_is_integer(value_at(c, "sends")))
			table_number(&t, number_at(c, "sends"));
		else
			table_text(&t, "-");
		table_text(&t, text_at(c, "why"));
	}
	table_end(&t);
}

// --- Events ---------------------------------------------------------------------------------

static void event_add(struct table *t, const json_t *e)
{
	const char *event = text_at(e, "event");

	table_text(t, text_at(e, "at"));
	if (strcmp(event, "request") == 0) {
		table_format(t, "%s from %s", text_at(e, "procedure"), text_at(e, "address"));
		table_format(t, "%" PRIu64 " %s", number_at(e, "status"), text_at(e, "result"));
	} else if (strcmp(event, "item") == 0) {
		table_format(t, "  %s %s", has_text(e, "msk") ? text_at(e, "group") : "service",
			has_text(e, "msk") ? text_at(e, "msk") : text_at(e, "service"));
		table_format(t, "  %s", text_at(e, "code"));
	} else {
		table_format(t, "push of %s %s", text_at(e, "group"), text_at(e, "msk"));
		table_format(t, "%s, %" PRIu64 " sent%s%s", text_at(e, "state"),
			number_at(e, "sends"), has_text(e, "why") ? ": " : "",
			has_text(e, "why") ? text_at(e, "why") : "");
	}
}

static void events_print(const json_t *trace)
{
	static const struct table_column columns[] = {
		{"TIME", false}, {"WHAT", false}, {"AND THEN", false}};
	const json_t *events = value_at(trace, "events"), *e;
	struct table t;
	size_t i;

	puts("");
	if (json_array_size(events) > 0) {
		table_begin(&t, columns, 3);
		json_array_foreach(events, i, e) event_add(&t, e);
		table_end(&t);
	}
	if (has_text(trace, "events_since"))
		printf("Requests and single pushes since %s: %zu.\n",
			text_at(trace, "events_since"), json_array_size(events));
	else
		puts("Requests and single pushes are not kept: history.size is 0.");
}

static void trace_print(const json_t *trace)
{
	phone_print(trace);
	groups_print(value_at(trace, "groups"));
	campaigns_print(value_at(trace, "campaigns"));
	events_print(trace);
}

int trace_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX], tail[48];
	uint64_t limit = 100;
	int err = args_number(cli, args, OPT_LIMIT, 1, 10000, &limit);

	if (err == 0)
		err = ue_path(cli, args->word[0], path);
	if (err != 0)
		return err;
	snprintf(tail, sizeof(tail), "/trace?limit=%" PRIu64, limit);
	if (strlen(path) + strlen(tail) >= sizeof(path))
		return cli_fail(cli, CLI_USAGE, "bad-usage", "%s: too long", args->word[0]);
	strcat(path, tail);
	return http_show(cli, "GET", path, NULL, trace_print);
}
