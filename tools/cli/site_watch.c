// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The site as it moves: two looks a second apart, and what changed between them.

#include "http.h"
#include "print.h"
#include "screen.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 1000
#define CLEAR "\033[H\033[J"

struct look {
	json_t *status;
	json_t *stats;
	double at_s;
};

static void look_end(struct look *look)
{
	json_decref(look->status);
	json_decref(look->stats);
	*look = (struct look){NULL, NULL, 0};
}

// An error is one line on stderr here, also with --json: each look is a line on stdout.
static int look_take(struct cli *cli, struct look *out)
{
	bool is_json = cli->is_json;
	struct timespec now;
	int err;

	*out = (struct look){NULL, NULL, 0};
	cli->is_json = false;
	err = http_call(cli, "GET", "/v1/status", NULL, &out->status);
	if (err == 0)
		err = http_call(cli, "GET", "/v1/stats", NULL, &out->stats);
	cli->is_json = is_json;
	clock_gettime(CLOCK_MONOTONIC, &now);
	out->at_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	return err;
}

// --- Rates ----------------------------------------------------------------------------------

// All numbers below, however deep.
static uint64_t sum_of(const json_t *value)
{
	json_t *member;
	const char *name;
	uint64_t sum = 0;

	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	json_object_foreach((json_t *)value, name, member) sum += sum_of(member);
	return sum;
}

// Below zero when the daemon has started anew.
static double rate(const struct look *then, const struct look *now, const char *path)
{
	uint64_t before = sum_of(value_at(then->stats, path)),
		 after = sum_of(value_at(now->stats, path));

	return after > before ? (double)(after - before) / (now->at_s - then->at_s) : 0;
}

struct rates {
	double pushes, solicits, verified, requests, drops;
};

static struct rates rates_of(const struct look *then, const struct look *now)
{
	return (struct rates){
		.pushes = rate(then, now, "counters.pushes"),
		.solicits = rate(then, now, "counters.solicits"),
		.verified = rate(then, now, "counters.verified") +
			rate(then, now, "counters.singles_verified"),
		.requests = rate(then, now, "ua.requests"),
		.drops = rate(then, now, "drops"),
	};
}

// --- One look -------------------------------------------------------------------------------

static void look_print_json(const struct look *now, const struct rates *r, json_t *wrong)
{
	json_t *out = json_pack("{s:O, s:f, s:f, s:f, s:f, s:f, s:O, s:O}", "at",
		value_at(now->status, "clock.now"), "pushes_per_s", r->pushes, "solicits_per_s",
		r->solicits, "verified_per_s", r->verified, "requests_per_s", r->requests,
		"drops_per_s", r->drops, "wrong", wrong, "campaigns",
		value_at(now->status, "campaigns"));

	json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
	putchar('\n');
	json_decref(out);
}

static const char *per_s(double rate, char out[PRINT_NUMBER_MAX])
{
	return number_text((uint64_t)(rate + 0.5), out);
}

static void rates_print(const struct rates *r)
{
	char a[PRINT_NUMBER_MAX], b[PRINT_NUMBER_MAX], c[PRINT_NUMBER_MAX];

	screen_line("a second", "%s pushes, %s solicited pulls, %s verified", per_s(r->pushes, a),
		per_s(r->solicits, b), per_s(r->verified, c));
	screen_line("", "%s requests over HTTP, %s packets dropped", per_s(r->requests, a),
		per_s(r->drops, b));
}

// On a terminal a whole screen; elsewhere what moves, and a blank line behind it.
static void look_print(const struct look *now, const struct rates *r, const json_t *wrong)
{
	bool is_terminal = isatty(STDOUT_FILENO) != 0;

	if (is_terminal)
		fputs(CLEAR, stdout);
	screen_head(now->status);
	screen_wrong_print(wrong);
	rates_print(r);
	screen_campaigns(now->status);
	if (!is_terminal)
		putchar('\n');
}

static void look_show(const struct cli *cli, const struct look *then, const struct look *now)
{
	struct rates rates = rates_of(then, now);
	json_t *wrong = screen_wrong(now->status);

	if (cli->is_json)
		look_print_json(now, &rates, wrong);
	else
		look_print(now, &rates, wrong);
	json_decref(wrong);
	fflush(stdout);
}

int site_watch_run(struct cli *cli, const struct cli_args *args)
{
	struct look then, now;
	uint64_t count = 0;
	int err = args_number(cli, args, OPT_CAPTURE_COUNT, 1, UINT32_MAX, &count);

	if (err != 0)
		return err;
	interrupt_catch();
	err = look_take(cli, &then);
	for (uint64_t i = 0; err == 0 && (count == 0 || i < count); i++) {
		interrupt_sleep_ms(LOOK_MS);
		if (is_interrupted() || ferror(stdout))
			break;
		// One that has answered before may be starting anew.
		if (look_take(cli, &now) == 0) {
			look_show(cli, &then, &now);
			look_end(&then);
			then = now;
		} else {
			look_end(&now);
		}
	}
	look_end(&then);
	return err;
}
