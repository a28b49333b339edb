// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What limits the rate of a campaign now: two looks at its figures and the daemon's counters, a
// second apart, judged from the surest cause to the least sure one.

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS 1000
#define NEAR 0.9 // of the pace: what counts as reached

struct look {
	json_t *campaign;
	json_t *stats;
};

struct verdict {
	const char *limit; // a word that stays as it is
	char why[256];
	double pushes_per_s, verified_per_s;
};

static void look_end(struct look *look)
{
	json_decref(look->campaign);
	json_decref(look->stats);
}

static int look_take(struct cli *cli, uint64_t id, struct look *out)
{
	char path[64];
	int err;

	*out = (struct look){NULL, NULL};
	snprintf(path, sizeof(path), "/v1/campaigns/%" PRIu64, id);
	err = http_call(cli, "GET", path, NULL, &out->campaign);
	return err != 0 ? err : http_call(cli, "GET", "/v1/stats", NULL, &out->stats);
}

static uint64_t moved(const json_t *before, const json_t *after, const char *path)
{
	uint64_t then = number_at(before, path), now = number_at(after, path);

	return now > then ? now - then : 0;
}

// Whether no worker slept between the looks.
static bool is_without_pause(const struct look *before, const struct look *after)
{
	const json_t *now = value_at(after->stats, "workers"), *worker;
	size_t i;

	json_array_foreach(now, i, worker)
	{
		const json_t *then = json_array_get(value_at(before->stats, "workers"), i);

		if (moved(then, worker, "sleeps") > 0)
			return false;
	}
	return json_array_size(now) > 0;
}

static bool is_ended(const json_t *campaign)
{
	const char *state = text_at(campaign, "state");

	return strcmp(state, "done") == 0 || strcmp(state, "aborted") == 0;
}

// What the daemon says itself; false: it says nothing.
static bool told_judge(const struct look *now, struct verdict *v)
{
	const char *stall = json_string_value(value_at(now->campaign, "stall"));

	if (is_ended(now->campaign)) {
		v->limit = "ended";
		snprintf(v->why, sizeof(v->why), "It has ended (%s).",
			text_at(now->campaign, "state"));
	} else if (stall != NULL) {
		v->limit = "stalled";
		snprintf(v->why, sizeof(v->why),
			"Nothing is sent: %.64s. `mskpush status` shows ports and next hops.",
			stall);
	}
	return v->limit != NULL;
}

static bool counters_judge(const struct look *then, const struct look *now, struct verdict *v)
{
	static const struct {
		const char *counter, *limit, *why;
	} causes[] = {
		{"counters.no_mbuf", "buffers",
			"Bursts wait for packet buffers: memory.size_mb, or mbufs of the port."},
		{"counters.tx_full", "port",
			"The port takes less than it is given: the link, or its peer."},
		{"counters.put_aside", "next-hop",
			"Members wait because their next hop cannot be used: `mskpush status`."},
		{"counters.counter_waits", "replay-counter",
			"Members wait until the clock has caught up with their replay counter."},
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && v->limit == NULL; i++) {
		if (moved(then->stats, now->stats, causes[i].counter) == 0)
			continue;
		v->limit = causes[i].limit;
		snprintf(v->why, sizeof(v->why), "%s", causes[i].why);
	}
	return v->limit != NULL;
}

static void judge(const struct look *then, const struct look *now, struct verdict *v)
{
	uint64_t rate = number_at(now->campaign, "rate");
	double seconds = real_at(now->campaign, "seconds") - real_at(then->campaign, "seconds");

	*v = (struct verdict){0};
	if (seconds > 0) {
		v->pushes_per_s = (double)moved(then->campaign, now->campaign, "pushes") / seconds;
		v->verified_per_s =
			(double)moved(then->campaign, now->campaign, "verified") / seconds;
	}
	if (told_judge(now, v))
		return;
	if (rate > 0 && v->pushes_per_s >= NEAR * (double)rate) {
		v->limit = "pace";
		snprintf(v->why, sizeof(v->why),
			"Its pace of %" PRIu64 " UEs a second is reached: `mskpush campaign set`.",
			rate);
	} else if (counters_judge(then, now, v)) {
		return;
	} else if (v->pushes_per_s < 1) {
		v->limit = "answers";
		snprintf(v->why, sizeof(v->why),
			"All have their message of round %" PRIu64
			": answers are waited for before the next one.",
			number_at(now->campaign, "round"));
	} else if (is_without_pause(then, now)) {
		v->limit = "workers";
		snprintf(v->why, sizeof(v->why),
			"The workers go without pause: crypto and store. More workers, more CPUs.");
	} else {
		v->limit = "none";
		snprintf(v->why, sizeof(v->why),
			"Nothing holds it up: what is due is sent at once, and answers are waited "
			"for.");
	}
}

static void verdict_print(const struct look *now, const struct verdict *v)
{
	char n[PRINT_NUMBER_MAX];
	struct table t;

	table_begin_pairs(&t);
	table_pair(&t, "campaign", "%" PRIu64 " on %s, %s, round %" PRIu64 " of %" PRIu64,
		number_at(now->campaign, "id"), text_at(now->campaign, "group"),
		text_at(now->campaign, "state"), number_at(now->campaign, "round"),
		number_at(now->campaign, "sends"));
	table_pair(&t, "limit", "%s", v->limit);
	table_pair(&t, "why", "%s", v->why);
	if (number_at(now->campaign, "rate") > 0)
		table_pair(
			&t, "pace", "%s UEs/s", number_text(number_at(now->campaign, "rate"), n));
	table_pair(&t, "messages", "%s/s", number_text((uint64_t)v->pushes_per_s, n));
	table_pair(&t, "verified", "%s/s", number_text((uint64_t)v->verified_per_s, n));
	table_pair_number(&t, "pending", number_at(now->campaign, "pending"));
	table_end(&t);
}

int explain_run(struct cli *cli, const struct cli_args *args)
{
	struct look then = {NULL, NULL}, now = {NULL, NULL};
	struct verdict v;
	uint64_t id;
	int err = args_word_number(cli, args->word[0], "campaign id", UINT32_MAX, &id);

	if (err == 0)
		err = look_take(cli, id, &then);
	if (err == 0 && !is_ended(then.campaign))
		interrupt_sleep_ms(LOOK_MS);
	if (err == 0)
		err = look_take(cli, id, &now);
	if (err == 0) {
		judge(&then, &now, &v);
		if (cli->is_json) {
			json_t *out = json_pack("{s:O, s:s, s:s, s:f, s:f}", "campaign",
				now.campaign, "limit", v.limit, "why", v.why, "pushes_per_s",
				v.pushes_per_s, "verified_per_s", v.verified_per_s);

			cli_print_json(out);
			json_decref(out);
		} else {
			verdict_print(&now, &v);
		}
	}
	look_end(&then);
	look_end(&now);
	return err;
}
