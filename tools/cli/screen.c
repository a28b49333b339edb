// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "screen.h"

#include "print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Lines that the parts may take; with the fixed ones they make SCREEN_LINES.
#define WRONG_LINES 5
#define CAMPAIGN_LINES 4
#define PORT_LINES 3
#define HOP_LINES 2
#define AREA_LINES 3

#define NAME_COLUMNS 12
#define STORE_FULL 0.85 // of the size up to which it grows
#define HEADROOM_DAYS 365

static const char *text_or(const json_t *object, const char *path, const char *other)
{
	const char *text = json_string_value(value_at(object, path));

	return text != NULL ? text : other;
}

// Writes a text, at most so many columns, without what means something to a terminal. Returns how
// many it took.
static size_t text_write(const char *text, size_t columns)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		bool is_first = ((unsigned char)*text & 0xc0) != 0x80;
		bool is_control = (unsigned char)*text < ' ' || *text == 0x7f ||
			((unsigned char)*text == 0xc2 && (unsigned char)text[1] < 0xa0);

		if (is_first && used == columns)
			break;
		used += is_first;
		putchar(is_control ? '?' : *text);
	}
	return used;
}

void screen_line(const char *name, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	printf("%*s", NAME_COLUMNS - (int)text_write(name, NAME_COLUMNS - 1), "");
	text_write(text, SCREEN_COLUMNS - NAME_COLUMNS);
	putchar('\n');
}

// How many of n things get a line, when the last line has to say that there are more.
static size_t shown(size_t n, size_t lines)
{
	return n <= lines ? n : lines - 1;
}

static void more_line(size_t n, size_t lines, const char *where)
{
	if (n > lines)
		screen_line("", "and %zu more: %s", n - shown(n, lines), where);
}

// --- What is wrong --------------------------------------------------------------------------

static void wrong_add(json_t *wrong, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong_add(json_t *wrong, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	json_array_append_new(wrong, json_string(text));
}

static void ports_judge(json_t *wrong, const json_t *status)
{
	const json_t *port, *hop;
	size_t i;

	json_array_foreach(value_at(status, "ports"), i, port)
	{
		const char *why = text_or(port, "why", "");

		if (strcmp(text_at(port, "state"), "up") != 0)
			wrong_add(wrong, "port %s is %s%s%s", text_at(port, "name"),
				text_at(port, "state"), *why != '\0' ? ": " : "", why);
	}
	json_array_foreach(value_at(status, "next_hops"), i, hop)
	{
		if (json_is_string(value_at(hop, "stall")))
			wrong_add(wrong, "next hop %s by %s: %s", text_at(hop, "via"),
				text_at(hop, "port"), text_at(hop, "stall"));
	}
}

static void campaigns_judge(json_t *wrong, const json_t *status)
{
	const json_t *c;
	size_t i;

	json_array_foreach(value_at(status, "campaigns"), i, c)
	{
		if (truth_at(c, "is_halted"))
			wrong_add(wrong, "campaign %" PRIu64 " paused itself: too few verified",
				number_at(c, "id"));
		else if (json_is_string(value_at(c, "stall")))
			wrong_add(wrong, "campaign %" PRIu64 " sends nothing: %s",
				number_at(c, "id"), text_at(c, "stall"));
	}
}

static void store_judge(json_t *wrong, const json_t *status)
{
	uint64_t most = number_at(status, "store.map_max_bytes"),
		 used = number_at(status, "store.used_bytes"),
		 damaged = number_at(status, "store.damaged_blocks"),
		 unlocked = number_at(status, "memory.keys_unlocked_bytes");

	if (most > 0 && (double)used > STORE_FULL * (double)most)
		wrong_add(wrong, "the store has %" PRIu64 " of at most %" PRIu64 " MB", used >> 20,
			most >> 20);
	if (damaged > 0)
		wrong_add(wrong, "%" PRIu64 " blocks of the store are damaged: mskpush-store check",
			damaged);
	if (unlocked > 0)
		wrong_add(wrong, "%" PRIu64 " KB of keys may reach a swap: LimitMEMLOCK",
			(unlocked + 1023) >> 10);
}

json_t *screen_wrong(const json_t *status)
{
	json_t *wrong = json_array();
	const json_t *rate = value_at(status, "governor.rate");

	ports_judge(wrong, status);
	campaigns_judge(wrong, status);
	store_judge(wrong, status);
	if (number_at(status, "clock.headroom_s") / 86400 < HEADROOM_DAYS)
		wrong_add(wrong, "the replay counter has %" PRIu64 " days left",
			number_at(status, "clock.headroom_s") / 86400);
	if (json_is_integer(rate) && json_integer_value(rate) == 0)
		wrong_add(wrong, "the HTTP side serves no more: nobody is solicited");
	return wrong;
}

void screen_wrong_print(const json_t *wrong)
{
	size_t n = json_array_size(wrong);

	if (n == 0)
		screen_line("well", "nothing is known to be wrong");
	for (size_t i = 0; i < shown(n, WRONG_LINES); i++)
		screen_line(
			i == 0 ? "WRONG" : "", "%s", json_string_value(json_array_get(wrong, i)));
	more_line(n, WRONG_LINES, "mskpush status --all");
}

// --- What runs ------------------------------------------------------------------------------

// "3d 4h", "4h 12m", "12m 5s"
static void uptime_text(uint64_t s, char out[32])
{
	if (s >= 86400)
		snprintf(out, 32, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(out, 32, "%" PRIu64 "h %" PRIu64 "m", s / 3600, s % 3600 / 60);
	else
		snprintf(out, 32, "%" PRIu64 "m %" PRIu64 "s", s / 60, s % 60);
}

void screen_head(const json_t *status)
{
	char up[32];

	uptime_text((uint64_t)real_at(status, "uptime_s"), up);
	screen_line("mskpushd", "%s, pid %" PRIu64 ", up %s, %.19sZ", text_at(status, "version"),
		number_at(status, "pid"), up, text_at(status, "clock.now"));
}

static void campaign_line(const json_t *c, const char *name)
{
	uint64_t id = number_at(c, "id"), members = number_at(c, "members"),
		 pending = number_at(c, "pending");
	char verified[PRINT_NUMBER_MAX], all[PRINT_NUMBER_MAX];

	if (strcmp(text_at(c, "state"), "armed") == 0)
		screen_line(name, "%" PRIu64 ": %s, armed: %s of %s of %s ready", id,
			text_at(c, "group"), text_at(c, "armed.what"),
			number_text(number_at(c, "armed.members"), verified),
			number_text(members, all));
	else if (strcmp(text_at(c, "state"), "scheduled") == 0)
		screen_line(name, "%" PRIu64 ": %s, scheduled at %s", id, text_at(c, "group"),
			text_at(c, "at"));
	else
		screen_line(name, "%" PRIu64 ": %s %s %d %%, %s/%s verified, round %" PRIu64, id,
			text_at(c, "group"), text_at(c, "state"),
			members > 0 ? (int)(100 * (members - pending) / members) : 100,
			number_text(number_at(c, "verified"), verified), number_text(members, all),
			number_at(c, "round"));
}

void screen_campaigns(const json_t *status)
{
	const json_t *campaigns = value_at(status, "campaigns");
	size_t n = json_array_size(campaigns);

	if (n == 0)
		screen_line("campaigns", "none is open");
	for (size_t i = 0; i < shown(n, CAMPAIGN_LINES); i++)
		campaign_line(json_array_get(campaigns, i), "campaign");
	more_line(n, CAMPAIGN_LINES, "mskpush campaign list");
}

static void ports_print(const json_t *ports)
{
	size_t n = json_array_size(ports);

	for (size_t i = 0; i < shown(n, PORT_LINES); i++) {
		const json_t *port = json_array_get(ports, i);
		const json_t *addresses = value_at(port, "addresses");
		const char *first = json_string_value(json_array_get(addresses, 0));

		screen_line("port", "%s: %s, %s, %s%s%s", text_at(port, "name"),
			text_at(port, "state"), text_at(port, "driver"),
			first != NULL ? first : "no address",
			json_array_size(addresses) > 1 ? " and others" : "",
			json_array_size(value_at(port, "vlan")) > 0 ? ", VLAN" : "");
	}
	more_line(n, PORT_LINES, "mskpush status --all");
}

static void hops_print(const json_t *hops)
{
	size_t n = json_array_size(hops);

	for (size_t i = 0; i < shown(n, HOP_LINES); i++) {
		const json_t *hop = json_array_get(hops, i);

		screen_line("next hop", "%s by %s, %s", text_at(hop, "via"), text_at(hop, "port"),
			text_or(hop, "mac", "MAC not known"));
	}
	more_line(n, HOP_LINES, "mskpush status --all");
}

// The last one is that of all who are in none.
static void areas_print(const json_t *areas)
{
	size_t n = json_array_size(areas);
	char sent[PRINT_NUMBER_MAX], verified[PRINT_NUMBER_MAX], lost[PRINT_NUMBER_MAX];

	for (size_t i = 0; n > 1 && i < shown(n, AREA_LINES); i++) {
		const json_t *area = json_array_get(areas, i);

		screen_line("area", "%s: %s sent, %s verified, %s unreachable",
			text_or(area, "name", "(none)"), number_text(number_at(area, "sent"), sent),
			number_text(number_at(area, "verified"), verified),
			number_text(number_at(area, "unreachable"), lost));
	}
	more_line(n > 1 ? n : 0, AREA_LINES, "mskpush area list");
}

static void store_print(const json_t *status)
{
	char n[PRINT_NUMBER_MAX], used[PRINT_NUMBER_MAX], most[PRINT_NUMBER_MAX];

	screen_line("store", "%s subscribers, %" PRIu64 " services, %" PRIu64 " key groups",
		number_text(number_at(status, "store.subscribers"), n),
		number_at(status, "store.services"), number_at(status, "store.groups"));
	screen_line("at rest", "%s of %s MB, %s",
		number_text(number_at(status, "store.used_bytes") >> 20, used),
		number_text(number_at(status, "store.map_bytes") >> 20, most),
		strcmp(text_at(status, "store.wrapping.kind"), "none") == 0 ? "in the clear"
									    : "wrapped");
}

void screen_site(const json_t *status)
{
	const char *listen = json_string_value(json_array_get(value_at(status, "ua.listen"), 0));
	char n[PRINT_NUMBER_MAX];

	ports_print(value_at(status, "ports"));
	hops_print(value_at(status, "next_hops"));
	areas_print(value_at(status, "areas"));
	if (listen == NULL)
		screen_line("phones", "are not served over HTTP");
	else
		screen_line("phones",
			"served at %s, %" PRIu64 " connections, %" PRIu64 " requests wait", listen,
			number_at(status, "ua.connections"), number_at(status, "ua.waiting"));
	store_print(status);
	screen_line("counter", "%" PRIu64 ", %" PRIu64 " at most so far, %s days left",
		number_at(status, "clock.counter_now"), number_at(status, "clock.counter_highest"),
		number_text(number_at(status, "clock.headroom_s") / 86400, n));
	screen_line("machine", "%s MB, %zu workers, %s",
		number_text(number_at(status, "memory.resident_bytes") >> 20, n),
		json_array_size(value_at(status, "cpus")), text_at(status, "crypto"));
}
