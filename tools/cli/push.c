// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "order.h"
#include "print.h"
#include "verbs.h"
#include "watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Starts a campaign. A campaign in the way is named together with how to watch it.
static int campaign_start(struct cli *cli, json_t *body, json_t **campaign)
{
	struct http_answer answer;
	int err = http_exchange(cli, "POST", "/v1/campaigns", body, &answer);

	*campaign = answer.json;
	if (err == 0 && answer.status < 400 && number_at(answer.json, "id") > 0)
		return 0;
	if (err == 0 && answer.status == 409 && number_at(answer.json, "campaign") > 0 &&
		!cli->is_json)
		err = cli_fail(cli, CLI_FAILED, "conflict",
			"%s Watch it with: mskpush campaign watch %" PRIu64,
			text_at(answer.json, "message"), number_at(answer.json, "campaign"));
	else if (err == 0 && answer.status >= 400)
		err = cli_fail_answer(cli, answer.status, answer.json);
	else if (err == 0)
		err = cli_fail(cli, CLI_FAILED, "bad-answer", "the daemon's answer is no campaign");
	json_decref(answer.json);
	*campaign = NULL;
	return err;
}

static int started_print(struct cli *cli, const json_t *campaign)
{
	bool is_solicit = strcmp(text_at(campaign, "kind"), "solicit") == 0;
	char members[PRINT_NUMBER_MAX];

	if (cli->is_json)
		cli_print_json(campaign);
	else if (strcmp(text_at(campaign, "state"), "armed") == 0)
		printf("campaign %" PRIu64 " is armed: MSK %s of %s for %s members. Send it with: "
		       "mskpush fire %" PRIu64 "\n",
			number_at(campaign, "id"), text_at(campaign, "msk.number"),
			text_at(campaign, "group"),
			number_text(number_at(campaign, "members"), members),
			number_at(campaign, "id"));
	else if (json_is_string(value_at(campaign, "at")))
		printf("campaign %" PRIu64 " begins at %s\n", number_at(campaign, "id"),
			text_at(campaign, "at"));
	else
		printf("campaign %" PRIu64 " %s MSK %s of %s %s %s member%s\n",
			number_at(campaign, "id"), is_solicit ? "asks for" : "pushes",
			text_at(campaign, "msk.number"), text_at(campaign, "group"),
			is_solicit ? "from" : "to",
			number_text(number_at(campaign, "members"), members),
			number_at(campaign, "members") == 1 ? "" : "s");
	return CLI_DONE;
}

static int order_begin(struct cli *cli, const struct cli_args *args, json_t *body)
{
	json_t *campaign = NULL, *drops = NULL;
	bool waits = args->option[OPT_NO_WAIT] == NULL && args->option[OPT_ARM] == NULL &&
		args->option[OPT_AT] == NULL;
	int err = waits ? drops_read(cli, &drops) : 0;

	if (err == 0)
		err = campaign_start(cli, json_incref(body), &campaign);
	if (err == 0 && (!waits || !cli->is_json))
		err = started_print(cli, campaign);
	if (err == 0 && waits)
		err = campaign_watch(cli, number_at(campaign, "id"), drops);
	json_decref(campaign);
	json_decref(drops);
	return err;
}

static int order_run(struct cli *cli, const struct cli_args *args, const char *kind)
{
	json_t *body = json_object();
	int err = order_fill(cli, args, kind, body);

	if (err == 0 && args->option[OPT_DRY_RUN] != NULL)
		err = order_plan(cli, body);
	else if (err == 0 && args->option[OPT_YES] == NULL)
		err = order_confirm(cli, body);
	if (err == 0 && args->option[OPT_DRY_RUN] == NULL)
		err = order_begin(cli, args, body);
	json_decref(body);
	return err;
}

int push_run(struct cli *cli, const struct cli_args *args)
{
	return order_run(cli, args, args->option[OPT_AUTO] != NULL ? "auto" : "push");
}

int solicit_run(struct cli *cli, const struct cli_args *args)
{
	return order_run(cli, args, "solicit");
}
