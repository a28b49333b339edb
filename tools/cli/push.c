// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"
#include "watch.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDS_MAX 31
#define WAIT_MAX_S 3600

// "1,2,4" to an array of seconds. NULL after it has said what is wrong.
static json_t *waits_read(struct cli *cli, const char *text)
{
	json_t *waits = json_array();
	const char *p = text;

	while (isdigit((unsigned char)*p)) {
		char *end;
		unsigned long seconds = strtoul(p, &end, 10);

		if (seconds > WAIT_MAX_S || json_array_size(waits) == SENDS_MAX)
			break;
		json_array_append_new(waits, json_integer((json_int_t)seconds));
		if (*end == '\0')
			return waits;
		if (*end != ',')
			break;
		p = end + 1;
	}
	json_decref(waits);
	cli_fail(cli, CLI_USAGE, "bad-usage",
		"--waits has to be up to %d numbers of seconds as 1,2,4,8, each up to %d; not '%s'",
		SENDS_MAX, WAIT_MAX_S, text);
	return NULL;
}

static int number_set(struct cli *cli, const struct cli_args *args, enum cli_option option,
	uint64_t least, uint64_t most, json_t *body, const char *name)
{
	uint64_t n;
	int err = args_number(cli, args, option, least, most, &n);

	if (err == 0 && args->option[option] != NULL)
		json_object_set_new(body, name, json_integer((json_int_t)n));
	return err;
}

static int body_fill(struct cli *cli, const struct cli_args *args, json_t *body)
{
	char group[CLI_GROUP_TEXT];
	const char *ue = args->option[OPT_UE];
	json_t *waits;
	int err = args_group(cli, args->word[0], group);

	if (err == 0)
		err = number_set(cli, args, OPT_RATE, 0, UINT32_MAX, body, "rate");
	if (err == 0)
		err = number_set(cli, args, OPT_SENDS, 1, SENDS_MAX, body, "sends");
	if (err != 0)
		return err;
	json_object_set_new(body, "kind", json_string("push"));
	json_object_set_new(body, "group", json_string(group));
	if (args->option[OPT_NEW] != NULL)
		json_object_set_new(body, "new", json_true());
	if (args->option[OPT_WAITS] != NULL) {
		waits = waits_read(cli, args->option[OPT_WAITS]);
		if (waits == NULL)
			return CLI_USAGE;
		json_object_set_new(body, "waits", waits);
	}
	if (ue != NULL && json_object_set_new(body, "subscriber", json_string(ue)) != 0)
		return cli_fail(cli, CLI_USAGE, "bad-usage", "--ue is no UTF-8");
	return 0;
}

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
	char members[PRINT_NUMBER_MAX];

	if (cli->is_json)
		cli_print_json(campaign);
	else
		printf("campaign %" PRIu64 " pushes MSK %s of %s to %s member%s\n",
			number_at(campaign, "id"), text_at(campaign, "msk.number"),
			text_at(campaign, "group"),
			number_text(number_at(campaign, "members"), members),
			number_at(campaign, "members") == 1 ? "" : "s");
	return CLI_DONE;
}

int push_run(struct cli *cli, const struct cli_args *args)
{
	json_t *body = json_object(), *campaign = NULL, *drops = NULL;
	int err = body_fill(cli, args, body);

	if (err != 0) {
		json_decref(body);
		return err;
	}
	if (args->option[OPT_NO_WAIT] == NULL) {
		err = drops_read(cli, &drops);
		if (err != 0) {
			json_decref(body);
			return err;
		}
	}
	err = campaign_start(cli, body, &campaign);
	if (err == 0 && (args->option[OPT_NO_WAIT] != NULL || !cli->is_json))
		err = started_print(cli, campaign);
	if (err == 0 && args->option[OPT_NO_WAIT] == NULL)
		err = campaign_watch(cli, number_at(campaign, "id"), drops);
	json_decref(campaign);
	json_decref(drops);
	return err;
}
