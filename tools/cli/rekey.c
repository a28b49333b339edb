// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "rekey.h"

#include "http.h"
#include "order.h"
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool list_has(const json_t *list, const char *text)
{
	const json_t *value;
	size_t i;

	json_array_foreach((json_t *)list, i, value)
	{
		if (json_is_string(value) && strcmp(json_string_value(value), text) == 0)
			return true;
	}
	return false;
}

static void groups_add(const json_t *from, json_t *to)
{
	const json_t *group;
	size_t i;

	json_array_foreach((json_t *)from, i, group)
	{
		if (json_is_string(group) && !list_has(to, json_string_value(group)))
			json_array_append(to, (json_t *)group);
	}
}

int rekey_groups(struct cli *cli, const json_t *names, json_t *groups)
{
	const json_t *service;
	json_t *answer;
	size_t i;
	int err = http_call(cli, "GET", "/v1/services", NULL, &answer);

	if (err != 0)
		return err;
	json_array_foreach(value_at(answer, "services"), i, service)
	{
		if (list_has(names, text_at(service, "name")))
			groups_add(value_at(service, "groups"), groups);
	}
	json_decref(answer);
	return 0;
}

static int group_rekey(struct cli *cli, const struct cli_args *args, const char *group, json_t *ids)
{
	json_t *campaign,
		*body = json_pack("{s:s, s:s, s:b}", "kind", "auto", "group", group, "new", 1);
	int err = args->option[OPT_YES] == NULL ? order_confirm(cli, body) : 0;

	if (err == 0)
		err = http_call(cli, "POST", "/v1/campaigns", json_incref(body), &campaign);
	json_decref(body);
	if (err != 0)
		return err;
	if (!cli->is_json)
		printf("campaign %" PRIu64 " pushes a new MSK of %s; watch it with: mskpush "
		       "campaign watch %" PRIu64 "\n"
		       "who is removed is shut out once it is in use: mskpush msk activate %s %s\n",
			number_at(campaign, "id"), group, number_at(campaign, "id"), group,
			text_at(campaign, "msk.number"));
	json_array_append_new(ids, json_integer((json_int_t)number_at(campaign, "id")));
	json_decref(campaign);
	return 0;
}

static void offer_print(const json_t *groups, size_t first)
{
	const json_t *group;

	for (size_t i = first; (group = json_array_get(groups, i)) != NULL; i++)
		printf("its MSK of %s is still known; a new one for all others: mskpush push %s "
		       "--new --auto, then mskpush msk activate %s NUMBER\n",
			json_string_value(group), json_string_value(group),
			json_string_value(group));
}

// What is removed stays removed, whatever becomes of the re-keys: those that did not begin are
// still offered.
static int groups_rekey(
	struct cli *cli, const struct cli_args *args, const json_t *groups, json_t *ids)
{
	size_t n = 0;
	int err = 0;

	if (args->option[OPT_REKEY] != NULL)
		while (n < json_array_size(groups) && err == 0) {
			err = group_rekey(
				cli, args, json_string_value(json_array_get(groups, n)), ids);
			n += err == 0;
		}
	if (!cli->is_json)
		offer_print(groups, n);
	return err;
}

static int rekey_offer(struct cli *cli, const struct cli_args *args, const json_t *groups)
{
	json_t *ids = json_array(), *out;
	int err = groups_rekey(cli, args, groups, ids);

	if (cli->is_json && err == 0) {
		out = json_pack("{s:O, s:O}", "groups", groups, "campaigns", ids);
		cli_print_json(out);
		json_decref(out);
	}
	json_decref(ids);
	return err;
}

int rekey_remove(
	struct cli *cli, const struct cli_args *args, const char *path, const json_t *groups)
{
	json_t *answer = NULL;
	int err = http_call(cli, "DELETE", path, NULL, &answer);

	json_decref(answer);
	return err == 0 ? rekey_offer(cli, args, groups) : err;
}
