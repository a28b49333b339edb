// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int capture_run(struct cli *cli, const struct cli_args *args)
{
	char path[64] = "/v1/capture", number[PRINT_NUMBER_MAX];
	uint64_t count = 0, bytes = 0;
	int err = args_number(cli, args, OPT_CAPTURE_COUNT, 1, INT64_MAX, &count);

	if (err != 0)
		return err;
	if (count > 0)
		snprintf(path, sizeof(path), "/v1/capture?count=%" PRIu64, count);
	interrupt_catch();
	err = http_download(cli, path, args->word[0], &bytes);
	if (err != 0 || strcmp(args->word[0], "-") == 0)
		return err;
	if (cli->is_json)
		printf("{\"bytes\": %" PRIu64 "}\n", bytes);
	else
		printf("%s: %s bytes\n", args->word[0], number_text(bytes, number));
	return CLI_DONE;
}

static void port_print(struct table *t, const json_t *status)
{
	table_pair(t, "port", "%s (%s), %s", text_at(status, "port.name"),
		text_at(status, "port.driver"), truth_at(status, "port.is_up") ? "up" : "down");
	table_pair(
		t, "address", "%s, %s", text_at(status, "port.ipv4"), text_at(status, "port.mac"));
	table_pair(t, "next hop", "%s, %s", text_at(status, "port.gateway"),
		text_at(status, "port.gateway_mac"));
}

static void store_print(struct table *t, const json_t *status)
{
	char used[PRINT_NUMBER_MAX], map[PRINT_NUMBER_MAX], n[PRINT_NUMBER_MAX];

	table_pair(t, "store", "%s, %s of %s MB used", text_at(status, "store.dir"),
		number_text(number_at(status, "store.used_bytes") >> 20, used),
		number_text(number_at(status, "store.map_bytes") >> 20, map));
	table_pair(t, "subscribers", "%s", number_text(number_at(status, "store.subscribers"), n));
	table_pair(t, "services", "%" PRIu64, number_at(status, "store.services"));
	table_pair(t, "key groups", "%" PRIu64, number_at(status, "store.groups"));
}

static void clock_print(struct table *t, const json_t *status)
{
	char n[PRINT_NUMBER_MAX];

	table_pair(t, "clock", "%s", text_at(status, "clock.now"));
	table_pair(t, "counter",
		"%" PRIu64 ", highest used %" PRIu64 ", mark %" PRIu64 ", %s days of headroom",
		number_at(status, "clock.counter_now"), number_at(status, "clock.counter_highest"),
		number_at(status, "clock.counter_mark"),
		number_text(number_at(status, "clock.headroom_s") / 86400, n));
}

static void campaigns_print(struct table *t, const json_t *status)
{
	const json_t *c;
	size_t i;

	json_array_foreach(value_at(status, "campaigns"), i, c)
	{
		char verified[PRINT_NUMBER_MAX], members[PRINT_NUMBER_MAX];
		const char *stall = json_string_value(value_at(c, "stall"));

		table_format(t, "campaign %" PRIu64, number_at(c, "id"));
		table_format(t, "%s, %s: %s of %s verified%s%s", text_at(c, "group"),
			text_at(c, "state"), number_text(number_at(c, "verified"), verified),
			number_text(number_at(c, "members"), members),
			stall != NULL ? ", stalled: " : "", stall != NULL ? stall : "");
	}
}

static void status_print(const json_t *status)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	char n[PRINT_NUMBER_MAX];
	struct table t;
	size_t cpus;

	table_begin(&t, columns, 2);
	table_pair(&t, "mskpushd", "%s, pid %" PRIu64 ", since %s", text_at(status, "version"),
		number_at(status, "pid"), text_at(status, "started"));
	port_print(&t, status);
	cpus = json_array_size(value_at(status, "cpus"));
	table_pair(&t, "crypto", "%s on %zu core%s", text_at(status, "crypto"), cpus,
		cpus == 1 ? "" : "s");
	store_print(&t, status);
	clock_print(&t, status);
	table_pair(&t, "memory", "%s MB",
		number_text(number_at(status, "memory.resident_bytes") >> 20, n));
	campaigns_print(&t, status);
	table_end(&t);
}

int status_run(struct cli *cli, const struct cli_args *args)
{
	(void)args;
	return http_show(cli, "GET", "/v1/status", NULL, status_print);
}
