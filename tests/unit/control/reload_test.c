// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "reload.h"
#include "site.h"
#include "test.h"

// Applies a file and returns what the log said.
static const char *reload(struct site *s, const char *yaml)
{
	static struct conf fresh;
	static char text[8192];
	char why[CONF_WHY_MAX];
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	conf_init(&fresh);
	fresh.workers.count = s->conf.workers.count;
	fresh.store.map_bytes = s->conf.store.map_bytes;
	if (conf_parse(&fresh, "reload", yaml, strlen(yaml), why) != 0)
		fail_msg("%s", why);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	reload_apply(&s->ctl, &s->conf, &fresh);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return text;
}

static void what_can_change_is_in_force_at_once(void **state)
{
	struct site *s = *state;
	struct conf_campaign now;
	const char *said;

	said = reload(s, "campaign: {sends: 3, waits: [7s], rate: 500}\nlog: {level: warning}\n");
	ctl_campaign_defaults(&s->ctl, &now);
	assert_int_equal(now.sends, 3);
	assert_int_equal(now.rate, 500);
	assert_int_equal(now.waits_s.n, 1);
	assert_int_equal(now.waits_s.value[0], 7);
	// The new level holds for what comes after it.
	assert_non_null(strstr(said,
		"event=conf-applied keys=\"campaign.sends campaign.waits campaign.rate "
		"log.level\""));
	assert_null(strstr(said, "event=reloaded"));
	log_level_set(LOG_INFO);
}

static void what_cannot_is_named_and_stays_as_it_was(void **state)
{
	struct site *s = *state;
	const char *said = reload(s,
		"store: {dir: /elsewhere}\nfqdn: other.example\ncampaign: {rate: 9}\n"
		"workers: {cpus: [0, 1]}\n");

	assert_non_null(strstr(said,
		"level=warning event=conf-needs-restart keys=\"store.dir fqdn workers.cpus\""));
	assert_non_null(strstr(said, "event=reloaded applied=1 needs-restart=3"));
	assert_string_equal(s->conf.fqdn, "bmsc.example.org");
	assert_string_equal(s->conf.store.dir, "/var/lib/mskpush");
	assert_int_equal(s->conf.workers.cpus.n, 0);
}

static void lists_are_compared_item_by_item(void **state)
{
	struct site *s = *state;
	const char *said = reload(s,
		"ports: [{device: net_null1, address: 192.0.2.1/24, "
		"gateway: 192.0.2.254}]\nareas: [{name: a, prefixes: 10.0.0.0/8}]\n");

	assert_non_null(strstr(said, "event=conf-needs-restart keys=\"ports areas\""));
	assert_non_null(strstr(said, "event=reloaded applied=0 needs-restart=2"));
	assert_int_equal(s->conf.areas, 0);
}

// The areas the daemon began with.
static void areas_begin(struct site *s, const char *yaml)
{
	char why[CONF_WHY_MAX];

	assert_int_equal(conf_parse(&s->conf, "begin", yaml, strlen(yaml), why), 0);
}

static void limits_of_areas_change_as_long_as_the_areas_stay(void **state)
{
	static const char *const one_limit = "areas: [{name: a, prefixes: 10.0.0.0/8}, "
					     "{name: b, rate: 700, prefixes: 11.0.0.0/8}]\n",
				 *const moved = "areas: [{name: a, rate: 5, prefixes: 10.0.0.0/8}, "
						"{name: b, rate: 9, prefixes: 12.0.0.0/8}]\n";
	struct site *s = *state;

	areas_begin(
		s, "areas: [{name: a, prefixes: 10.0.0.0/8}, {name: b, prefixes: 11.0.0.0/8}]\n");
	s->dp->area_rate[0] = 11; // set by hand
	assert_non_null(strstr(reload(s, one_limit), "event=conf-applied keys=\"areas.rate\""));
	assert_int_equal(s->dp->area_rate[0], 11);
	assert_int_equal(s->dp->area_rate[1], 700);
	assert_non_null(strstr(reload(s, moved), "event=conf-needs-restart keys=\"areas\""));
	assert_int_equal(s->dp->area_rate[0], 11);
	assert_int_equal(s->dp->area_rate[1], 700);
}

static void certificate_of_phones_changes_and_does_not_come_or_go(void **state)
{
	struct site *s = *state;

	assert_non_null(strstr(reload(s, "ua: {certificate: /c, private_key: /k}\n"),
		"event=conf-needs-restart keys=\"ua.certificate ua.private_key\""));
	assert_string_equal(s->conf.ua.certificate, "");
	snprintf(s->conf.ua.certificate, CONF_TEXT_MAX, "/a");
	snprintf(s->conf.ua.private_key, CONF_TEXT_MAX, "/b");
	assert_non_null(strstr(reload(s, "ua: {certificate: /c, private_key: /k}\n"),
		"event=reloaded applied=2 needs-restart=0"));
	assert_string_equal(s->conf.ua.certificate, "/c");
}

static void same_file_changes_nothing(void **state)
{
	struct site *s = *state;

	assert_non_null(strstr(reload(s, "fqdn: bmsc.example.org\n"), "applied=0 needs-restart=0"));
}

static void every_live_key_is_one_of_the_table(void **state)
{
	unsigned live = 0;

	(void)state;
	for (size_t i = 0; i < conf_rows_count; i++)
		live += reload_is_live(conf_rows[i].key);
	assert_int_equal(live, 18);
}

#define T(name) cmocka_unit_test_setup_teardown(name, site_up, site_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_can_change_is_in_force_at_once),
		T(what_cannot_is_named_and_stays_as_it_was),
		T(lists_are_compared_item_by_item),
		T(limits_of_areas_change_as_long_as_the_areas_stay),
		T(certificate_of_phones_changes_and_does_not_come_or_go),
		T(same_file_changes_nothing),
		cmocka_unit_test(every_live_key_is_one_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
