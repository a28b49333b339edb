// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "order.h"

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDS_MAX 31
#define WAIT_MAX_S 3600
#define WITHIN_MAX_S (7 * 86400)
#define SOLICITS_MAX 30
#define LINE_MAX_BYTES 512

// "1,2,4" to an array of seconds. NULL after it has said what is wrong.
static json_t *waits_read(struct cli *cli, enum cli_option option, const char *text)
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
		"--%s has to be up to %d numbers of seconds as 1,2,4,8, each up to %d; not '%s'",
		help_option_name(option), SENDS_MAX, WAIT_MAX_S, text);
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

static int waits_set(struct cli *cli, const struct cli_args *args, enum cli_option option,
	json_t *body, const char *name)
{
	json_t *waits;

	if (args->option[option] == NULL)
		return 0;
	waits = waits_read(cli, option, args->option[option]);
	if (waits == NULL)
		return CLI_USAGE;
	json_object_set_new(body, name, waits);
	return 0;
}

static int text_set(struct cli *cli, const struct cli_args *args, enum cli_option option,
	json_t *body, const char *name)
{
	if (args->option[option] == NULL ||
		json_object_set_new(body, name, json_string(args->option[option])) == 0)
		return 0;
	return cli_fail(cli, CLI_USAGE, "bad-usage", "--%s is no UTF-8", help_option_name(option));
}

static int pace_set(struct cli *cli, const struct cli_args *args, json_t *body)
{
	uint64_t within = 0;
	int err;
	json_t *rate = args_rate(cli, args, &err);

	if (rate != NULL)
		json_object_set_new(body, "rate", rate);
	if (err == 0)
		err = args_duration(cli, args, OPT_WITHIN, WITHIN_MAX_S, &within);
	if (err == 0 && within != 0)
		json_object_set_new(body, "within", json_integer((json_int_t)within));
	return err != 0 ? err : text_set(cli, args, OPT_BY, body, "by");
}

// --- Lists of UEs ---------------------------------------------------------------------------

// One name a line; blank lines and what stands behind a # in front are no names.
static int names_read(struct cli *cli, FILE *file, const char *path, json_t *names)
{
	char line[LINE_MAX_BYTES];
	unsigned number = 0;

	while (fgets(line, sizeof(line), file) != NULL) {
		char *name = line + strspn(line, " \t");
		size_t len = strcspn(name, "\r\n");

		number++;
		if (strlen(line) == sizeof(line) - 1)
			return cli_fail(cli, CLI_USAGE, "bad-input", "%s:%u: the line is too long",
				path, number);
		while (len > 0 && isblank((unsigned char)name[len - 1]))
			len--;
		name[len] = '\0';
		if (len > 0 && name[0] != '#' &&
			json_array_append_new(names, json_string(name)) != 0)
			return cli_fail(
				cli, CLI_USAGE, "bad-input", "%s:%u: no UTF-8", path, number);
	}
	if (json_array_size(names) == 0)
		return cli_fail(cli, CLI_USAGE, "bad-input", "%s names no UE", path);
	return 0;
}

static int only_set(struct cli *cli, const struct cli_args *args, json_t *body)
{
	const char *path = args->option[OPT_ONLY];
	json_t *names;
	FILE *file;
	int err;

	if (path == NULL)
		return 0;
	file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	if (file == NULL)
		return cli_fail(cli, CLI_USAGE, "bad-input", "%s: %s", path, strerror(errno));
	names = json_array();
	err = names_read(cli, file, path, names);
	if (file != stdin)
		fclose(file);
	json_object_set_new(body, "subscribers", names);
	return err;
}

static int choice_set(struct cli *cli, const struct cli_args *args, json_t *body)
{
	double sample = 0;
	int err = args_percent(cli, args, OPT_SAMPLE, &sample);

	if (err == 0 && sample > 0)
		json_object_set_new(body, "sample", json_real(sample));
	if (err == 0)
		err = text_set(cli, args, OPT_UE, body, "subscriber");
	if (err == 0)
		err = text_set(cli, args, OPT_AREA, body, "area");
	if (err == 0)
		err = number_set(
			cli, args, OPT_UNDELIVERED_OF, 1, UINT32_MAX - 1, body, "undelivered_of");
	return err != 0 ? err : only_set(cli, args, body);
}

static int safety_set(struct cli *cli, const struct cli_args *args, json_t *body)
{
	double share = 0;
	int err = args_percent(cli, args, OPT_STOP_IF_UNVERIFIED, &share);

	if (err == 0 && share > 0 && (share != (int)share || share > 99))
		err = cli_fail(cli, CLI_USAGE, "bad-usage",
			"--stop-if-unverified has to be a whole number of percent, 1 to 99");
	if (err == 0 && share > 0)
		json_object_set_new(body, "stop_if_unverified", json_integer((json_int_t)share));
	if (err == 0)
		err = number_set(cli, args, OPT_STOP_AFTER, 1, UINT32_MAX - 1, body, "stop_after");
	return err != 0 ? err : text_set(cli, args, OPT_AT, body, "at");
}

int order_fill(struct cli *cli, const struct cli_args *args, const char *kind, json_t *body)
{
	char group[CLI_GROUP_TEXT], number[MSK_NUMBER_TEXT];
	int err = args_group(cli, args->word[0], group);

	if (err == 0)
		err = number_set(cli, args, OPT_SENDS, 1, SENDS_MAX, body, "sends");
	if (err == 0)
		err = number_set(cli, args, OPT_SOLICITS, 1, SOLICITS_MAX, body, "solicits");
	if (err == 0)
		err = waits_set(cli, args, OPT_WAITS, body, "waits");
	if (err == 0)
		err = waits_set(cli, args, OPT_SOLICIT_WAITS, body, "solicit_waits");
	if (err == 0)
		err = pace_set(cli, args, body);
	if (err == 0)
		err = safety_set(cli, args, body);
	if (err == 0)
		err = choice_set(cli, args, body);
	if (err == 0 && args->option[OPT_MSK] != NULL)
		err = msk_number(cli, args->option[OPT_MSK], number);
	if (err != 0)
		return err;
	if (args->option[OPT_ARM] != NULL)
		json_object_set_new(body, "arm",
			json_string(
				args->option[OPT_ARM][0] != '\0' ? args->option[OPT_ARM] : "keys"));
	json_object_set_new(body, "kind", json_string(kind));
	json_object_set_new(body, "group", json_string(group));
	if (args->option[OPT_NEW] != NULL)
		json_object_set_new(body, "new", json_true());
	if (args->option[OPT_MSK] != NULL)
		json_object_set_new(body, "msk", json_string(number));
	if (args->option[OPT_SOLICIT_PREVIOUS] != NULL)
		json_object_set_new(body, "solicit_previous", json_true());
	return 0;
}

// --- Plans ----------------------------------------------------------------------------------

static void seconds_pair(struct table *t, const json_t *plan)
{
	if (json_is_number(value_at(plan, "seconds")))
		table_pair(t, "seconds", "%.1f", real_at(plan, "seconds"));
	else
		table_pair(t, "seconds", "as the port takes it");
}

static void areas_print(const json_t *areas)
{
	static const struct table_column columns[] = {{"AREA", false}, {"UES", true},
		{"SOLICITS", true}, {"LIMIT/S", true}, {"SECONDS", true}};
	const json_t *area;
	struct table t;
	size_t i;

	table_begin(&t, columns, 5);
	json_array_foreach(areas, i, area)
	{
		const char *name = json_string_value(value_at(area, "name"));

		table_text(&t, name != NULL ? name : "(none)");
		table_number(&t, number_at(area, "members"));
		table_number(&t, number_at(area, "solicits"));
		if (number_at(area, "rate") > 0)
			table_number(&t, number_at(area, "rate"));
		else
			table_text(&t, "-");
		if (json_is_number(value_at(area, "seconds")))
			table_format(&t, "%.1f", real_at(area, "seconds"));
		else
			table_text(&t, "-");
	}
	table_end(&t);
}

static void plan_print(const json_t *plan)
{
	const json_t *reasons = value_at(plan, "refused_by"), *value;
	const char *name;
	struct table t;

	table_begin_pairs(&t);
	table_pair_number(&t, "members", number_at(plan, "members"));
	table_pair_number(&t, "pushes", number_at(plan, "pushes"));
	table_pair_number(&t, "solicits", number_at(plan, "solicits"));
	table_pair_number(&t, "refused", number_at(plan, "refused"));
	json_object_foreach((json_t *)reasons, name, value)
	{
		table_format(&t, "  %s", name);
		table_number(&t, (uint64_t)json_integer_value(value));
	}
	if (number_at(plan, "rate") > 0)
		table_pair_number(&t, "UEs/s", number_at(plan, "rate"));
	seconds_pair(&t, plan);
	table_end(&t);
	if (json_array_size(value_at(plan, "areas")) > 0)
		areas_print(value_at(plan, "areas"));
}

static int plan_read(struct cli *cli, const json_t *body, json_t **plan)
{
	json_t *order = json_copy((json_t *)body);

	json_object_set_new(order, "dry_run", json_true());
	return http_call(cli, "POST", "/v1/campaigns", order, plan);
}

int order_plan(struct cli *cli, const json_t *body)
{
	json_t *plan;
	int err = plan_read(cli, body, &plan);

	if (err != 0)
		return err;
	if (cli->is_json)
		cli_print_json(plan);
	else
		plan_print(plan);
	json_decref(plan);
	return 0;
}

// Whether somebody types the number, or writes it into the pipe that stdin is.
static bool count_is_typed(uint64_t wanted)
{
	char line[64], *end = line;
	uint64_t typed = 0;

	printf("Type the number of UEs to go on: ");
	fflush(stdout);
	// A list of UEs may have come this way, and ended with Ctrl-D.
	clearerr(stdin);
	if (fgets(line, sizeof(line), stdin) != NULL && isdigit((unsigned char)line[0]))
		typed = strtoull(line, &end, 10);
	return typed == wanted && end[strspn(end, "\r\n ")] == '\0';
}

int order_confirm(struct cli *cli, const json_t *body)
{
	char text[PRINT_NUMBER_MAX];
	bool is_confirmed = false;
	uint64_t ues;
	json_t *plan;
	int err = plan_read(cli, body, &plan);

	if (err != 0)
		return err;
	ues = number_at(plan, "pushes") + number_at(plan, "solicits");
	if (ues > CONFIRM_ABOVE && !cli->is_json) {
		plan_print(plan);
		is_confirmed = count_is_typed(ues);
	}
	json_decref(plan);
	if (ues <= CONFIRM_ABOVE || is_confirmed)
		return 0;
	return cli_fail(cli, CLI_USAGE, "not-confirmed",
		"nothing was sent: that is %s UEs, which takes their number typed, or --yes",
		number_text(ues, text));
}
