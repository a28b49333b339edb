// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "watch.h"

#include "http.h"
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 200

int drops_read(struct cli *cli, json_t **drops)
{
	json_t *stats;
	int err = http_call(cli, "GET", "/v1/stats", NULL, &stats);

	if (err == 0) {
		*drops = json_incref(json_object_get(stats, "drops"));
		if (*drops == NULL)
			*drops = json_object();
		json_decref(stats);
	}
	return err;
}

// Takes from the counters what they were before. What else was dropped meanwhile is in it.
static int drops_since(struct cli *cli, const json_t *before, json_t **gained)
{
	json_t *after, *value;
	const char *name;
	int err = drops_read(cli, &after);

	if (err != 0)
		return err;
	*gained = json_object();
	json_object_foreach(after, name, value)
	{
		json_int_t n = json_integer_value(value) -
			json_integer_value(json_object_get(before, name));

		if (n > 0)
			json_object_set_new(*gained, name, json_integer(n));
	}
	json_decref(after);
	return 0;
}

static void counts_print(struct table *t, const char *title, const json_t *counts)
{
	const char *name;
	json_t *value;
	uint64_t sum = 0;

	json_object_foreach((json_t *)counts, name, value) sum +=
		(uint64_t)json_integer_value(value);
	table_pair_number(t, title, sum);
	json_object_foreach((json_t *)counts, name, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		table_format(t, "  %s", name);
		table_number(t, (uint64_t)json_integer_value(value));
	}
}

void campaign_print(const json_t *campaign, const json_t *drops)
{
	struct table t;

	table_begin_pairs(&t);
	table_pair(&t, "campaign", "%" PRIu64, number_at(campaign, "id"));
	table_pair(&t, "key group", "%s", text_at(campaign, "group"));
	table_pair(&t, "msk", "%s (%s)", text_at(campaign, "msk.number"),
		text_at(campaign, "msk.check"));
	table_pair(&t, "state", "%s", text_at(campaign, "state"));
	if (json_is_object(value_at(campaign, "armed"))) {
		table_pair(&t, "armed with", "%s", text_at(campaign, "armed.what"));
		table_pair_number(&t, "ready", number_at(campaign, "armed.members"));
		table_pair_number(&t, "their bytes", number_at(campaign, "armed.bytes"));
	}
	if (json_is_string(value_at(campaign, "stall")))
		table_pair(&t, "stalled", "%s", text_at(campaign, "stall"));
	if (number_at(campaign, "rate") > 0)
		table_pair_number(&t, "rate limit", number_at(campaign, "rate"));
	table_pair_number(&t, "members", number_at(campaign, "members"));
	table_pair_number(&t, "verified", number_at(campaign, "verified"));
	table_pair_number(&t, "given up", number_at(campaign, "given_up"));
	if (number_at(campaign, "pending") > 0)
		table_pair_number(&t, "pending", number_at(campaign, "pending"));
	if (json_object_size(value_at(campaign, "refused_by")) > 0)
		counts_print(&t, "refused", value_at(campaign, "refused_by"));
	else
		table_pair_number(&t, "refused", number_at(campaign, "refused"));
	table_pair_number(&t, "rounds", number_at(campaign, "rounds"));
	table_pair(&t, "seconds", "%.1f", real_at(campaign, "seconds"));
	table_pair_number(&t, "pushes", number_at(campaign, "pushes"));
	if (json_is_object(value_at(campaign, "solicit")))
		table_pair_number(&t, "solicits", number_at(campaign, "solicits"));
	table_pair_number(&t, "pushes/s", (uint64_t)real_at(campaign, "pushes_per_s"));
	if (drops != NULL)
		counts_print(&t, "drops", drops);
	table_end(&t);
}

static void campaign_progress(struct progress *p, const json_t *campaign)
{
	char text[160], sent[64], verified[PRINT_NUMBER_MAX], members[PRINT_NUMBER_MAX],
		number[PRINT_NUMBER_MAX];
	uint64_t all = number_at(campaign, "members");
	uint64_t done = all - number_at(campaign, "pending");
	const json_t *stall = value_at(campaign, "stall");

	if (strcmp(text_at(campaign, "kind"), "solicit") == 0)
		snprintf(sent, sizeof(sent), "%s solicits",
			number_text(number_at(campaign, "solicits"), number));
	else
		snprintf(sent, sizeof(sent), "%s pushes/s",
			number_text((uint64_t)real_at(campaign, "pushes_per_s"), number));
	snprintf(text, sizeof(text), "%s of %s verified, round %" PRIu64 ", %s%s%s",
		number_text(number_at(campaign, "verified"), verified), number_text(all, members),
		number_at(campaign, "round"), sent, json_is_string(stall) ? ", stalled: " : "",
		json_is_string(stall) ? json_string_value(stall) : "");
	progress_show(p, all > 0 ? (double)done / (double)all : 0, text);
}

// Closed, or paused by itself: nothing changes unless somebody says so.
static bool is_closed(const json_t *campaign)
{
	const char *state = text_at(campaign, "state");

	return truth_at(campaign, "is_halted") || strcmp(state, "done") == 0 ||
		strcmp(state, "aborted") == 0;
}

// Reads the campaign; an answer that is none would be watched for ever.
static int campaign_read(struct cli *cli, uint64_t id, json_t **campaign)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/v1/campaigns/%" PRIu64, id);
	err = http_call(cli, "GET", path, NULL, campaign);
	if (err == 0 &&
		(!json_is_string(value_at(*campaign, "state")) ||
			!json_is_integer(value_at(*campaign, "members")))) {
		json_decref(*campaign);
		*campaign = NULL;
		err = cli_fail(cli, CLI_FAILED, "bad-answer", "the daemon's answer is no campaign");
	}
	return err;
}

static int verdict_print(struct cli *cli, json_t *campaign, const json_t *drops_before)
{
	json_t *drops = NULL;
	int err = drops_before != NULL ? drops_since(cli, drops_before, &drops) : 0;
	bool is_whole = strcmp(text_at(campaign, "state"), "done") == 0 &&
		number_at(campaign, "verified") == number_at(campaign, "members");

	if (cli->is_json) {
		if (drops != NULL)
			json_object_set(campaign, "drops", drops);
		cli_print_json(campaign);
	} else {
		campaign_print(campaign, drops);
	}
	json_decref(drops);
	if (err == 0 && truth_at(campaign, "is_halted"))
		return cli_fail(cli, CLI_FAILED, "halted",
			"too few of the first UEs verified; go on with: mskpush campaign resume "
			"%" PRIu64 ", or end it with: mskpush campaign abort %" PRIu64,
			number_at(campaign, "id"), number_at(campaign, "id"));
	return err != 0 ? err : is_whole ? CLI_DONE : CLI_FAILED;
}

int campaign_watch(struct cli *cli, uint64_t id, const json_t *drops)
{
	struct progress progress;
	json_t *campaign;
	int err;

	fflush(stdout);
	progress_begin(&progress, cli->is_json ? STDERR_FILENO : STDOUT_FILENO);
	interrupt_catch();
	for (;;) {
		err = campaign_read(cli, id, &campaign);
		if (err != 0 || is_closed(campaign) || is_interrupted())
			break;
		if (!cli->is_json || progress.is_terminal)
			campaign_progress(&progress, campaign);
		json_decref(campaign);
		interrupt_sleep_ms(POLL_MS);
	}
	progress_end(&progress);
	if (err != 0)
		return err;
	if (is_closed(campaign))
		err = verdict_print(cli, campaign, drops);
	else
		err = cli_fail(cli, CLI_FAILED, "interrupted",
			"campaign %" PRIu64
			" goes on; watch it with: mskpush campaign watch %" PRIu64,
			id, id);
	json_decref(campaign);
	return err;
}
