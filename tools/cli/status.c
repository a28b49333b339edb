// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "screen.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int capture_run(struct cli *cli, const struct cli_args *args)
{
	char path[HTTP_PATH_MAX] = "/v1/capture", number[PRINT_NUMBER_MAX];
	uint64_t count = 0, bytes = 0;
	int err = args_number(cli, args, OPT_CAPTURE_COUNT, 1, INT64_MAX, &count);

	if (err != 0)
		return err;
	if (count > 0)
		snprintf(path, sizeof(path), "/v1/capture?count=%" PRIu64, count);
	if (args->option[OPT_UE] != NULL && !http_query_add(path, "ue", args->option[OPT_UE]))
		return cli_fail(cli, CLI_USAGE, "bad-usage", "--ue: too long");
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

// "10.0.0.1, fd00::1" of a list of texts or numbers.
static const char *list_text(const json_t *list, char *text, size_t size)
{
	const json_t *value;
	size_t i, at = 0;

	text[0] = '\0';
	json_array_foreach(list, i, value)
	{
		const char *comma = at == 0 ? "" : ", ";

		if (json_is_integer(value))
			at += (size_t)snprintf(text + at, size - at, "%s%" JSON_INTEGER_FORMAT,
				comma, json_integer_value(value));
		else if (json_is_string(value))
			at += (size_t)snprintf(
				text + at, size - at, "%s%s", comma, json_string_value(value));
		if (at >= size)
			break;
	}
	return text;
}

static void port_print(struct table *t, const json_t *port)
{
	const char *why = json_string_value(value_at(port, "why"));
	char addresses[256], vlan[32];

	table_format(t, "port %s", text_at(port, "name"));
	table_format(t, "%s (%s), %s%s%s", text_at(port, "device"), text_at(port, "driver"),
		text_at(port, "state"), why != NULL ? ": " : "", why != NULL ? why : "");
	list_text(value_at(port, "vlan"), vlan, sizeof(vlan));
	table_pair(t, "", "%s, %s, MTU %" PRIu64 "%s%s",
		list_text(value_at(port, "addresses"), addresses, sizeof(addresses)),
		text_at(port, "mac"), number_at(port, "mtu"), vlan[0] != '\0' ? ", VLAN " : "",
		vlan);
	table_pair(t, "", "checksums: IPv4 by %s, IPv6 by %s, received by %s",
		text_at(port, "paths.udp_checksum"), text_at(port, "paths.udp6_checksum"),
		text_at(port, "paths.receive_checksum"));
}

static void hop_print(struct table *t, const json_t *hop)
{
	const char *mac = json_string_value(value_at(hop, "mac"));
	const char *stall = json_string_value(value_at(hop, "stall"));

	table_format(t, "next hop %s", text_at(hop, "via"));
	table_format(t, "%s, from %s by %s%s%s", mac != NULL ? mac : "MAC not known",
		text_at(hop, "source"), text_at(hop, "port"), stall != NULL ? ", stalled: " : "",
		stall != NULL ? stall : "");
}

static void area_print(struct table *t, const json_t *area)
{
	const char *name = json_string_value(value_at(area, "name"));
	char sent[PRINT_NUMBER_MAX], verified[PRINT_NUMBER_MAX], lost[PRINT_NUMBER_MAX];

	table_format(t, "area %s", name != NULL ? name : "(none)");
	table_format(t, "%s sent, %s verified, %s unreachable",
		number_text(number_at(area, "sent"), sent),
		number_text(number_at(area, "verified"), verified),
		number_text(number_at(area, "unreachable"), lost));
}

static void network_print(struct table *t, const json_t *status)
{
	const json_t *one, *areas = value_at(status, "areas");
	size_t i;

	json_array_foreach(value_at(status, "ports"), i, one) port_print(t, one);
	json_array_foreach(value_at(status, "next_hops"), i, one) hop_print(t, one);
	// The last one is that of all who are in none.
	for (i = 0; json_array_size(areas) > 1 && i < json_array_size(areas); i++)
		area_print(t, json_array_get(areas, i));
}

static void store_print(struct table *t, const json_t *status)
{
	char used[PRINT_NUMBER_MAX], map[PRINT_NUMBER_MAX], n[PRINT_NUMBER_MAX];

	table_pair(t, "store", "%s, %s of %s MB used", text_at(status, "store.dir"),
		number_text(number_at(status, "store.used_bytes") >> 20, used),
		number_text(number_at(status, "store.map_bytes") >> 20, map));
	table_pair(t, "subscribers", "%s", number_text(number_at(status, "store.subscribers"), n));
	table_pair(t, "at rest", "%s%s",
		strcmp(text_at(status, "store.wrapping.kind"), "none") == 0 ? "in the clear"
									    : "wrapped",
		truth_at(status, "store.wrapping.is_sealing") ? ", being sealed" : "");
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
		char verified[PRINT_NUMBER_MAX], members[PRINT_NUMBER_MAX], ready[PRINT_NUMBER_MAX];
		const char *stall = json_string_value(value_at(c, "stall"));

		table_format(t, "campaign %" PRIu64, number_at(c, "id"));
		if (strcmp(text_at(c, "state"), "armed") == 0) {
			table_format(t, "%s, armed: keys of %s of %s ready, %s octets",
				text_at(c, "group"),
				number_text(number_at(c, "armed.members"), ready),
				number_text(number_at(c, "members"), members),
				number_text(number_at(c, "armed.bytes"), verified));
			continue;
		}
		table_format(t, "%s, %s: %s of %s verified%s%s", text_at(c, "group"),
			text_at(c, "state"), number_text(number_at(c, "verified"), verified),
			number_text(number_at(c, "members"), members),
			stall != NULL ? ", stalled: " : "", stall != NULL ? stall : "");
	}
}

// Everything, however long it is.
static void all_print(const json_t *status)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	char n[PRINT_NUMBER_MAX], m[PRINT_NUMBER_MAX];
	struct table t;
	size_t cpus;

	table_begin(&t, columns, 2);
	table_pair(&t, "mskpushd", "%s, pid %" PRIu64 ", since %s", text_at(status, "version"),
		number_at(status, "pid"), text_at(status, "started"));
	network_print(&t, status);
	cpus = json_array_size(value_at(status, "cpus"));
	table_pair(&t, "crypto", "%s on %zu core%s", text_at(status, "crypto"), cpus,
		cpus == 1 ? "" : "s");
	store_print(&t, status);
	clock_print(&t, status);
	table_pair(&t, "memory", "%s MB, %s MB locked",
		number_text(number_at(status, "memory.resident_bytes") >> 20, n),
		number_text(number_at(status, "memory.locked_bytes") >> 20, m));
	table_pair(&t, "keys in memory", "%s KB locked, %s KB not",
		number_text(number_at(status, "memory.keys_locked_bytes") >> 10, n),
		number_text(number_at(status, "memory.keys_unlocked_bytes") >> 10, m));
	campaigns_print(&t, status);
	table_end(&t);
}

static void status_print(const json_t *status)
{
	json_t *wrong = screen_wrong(status);

	screen_head(status);
	screen_wrong_print(wrong);
	screen_campaigns(status);
	screen_site(status);
	json_decref(wrong);
}

int status_run(struct cli *cli, const struct cli_args *args)
{
	return http_show(cli, "GET", "/v1/status", NULL,
		args->option[OPT_ALL] != NULL ? all_print : status_print);
}
