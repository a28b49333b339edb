// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/bsf.h"

#include "support.h"

#define BSF_DOMAIN "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define NAF_ID "626d73632e686f6d65312e6e65740100000001"
#define KS_EXT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct ue_bsf *bsf_with(struct ue_site *site, uint64_t seed, double gba_u)
{
	const struct ue_bsf_conf conf = {
		.fqdn = FQDN,
		.domain = BSF_DOMAIN,
		.lifetime_s = 3600,
		.gba_u = gba_u,
		.seed = seed,
	};
	struct ue_bsf *bsf;

	assert_int_equal(ue_bsf_create(&bsf, &conf, &site->phones), 0);
	return bsf;
}

static json_t *ask_raw(struct ue_bsf *bsf, const char *body, unsigned wanted)
{
	unsigned status = 0;
	json_t *answer = ue_bsf_answer(bsf, body, strlen(body), NOW_S, &status);

	assert_int_equal(status, wanted);
	assert_non_null(answer);
	return answer;
}

static json_t *ask(
	struct ue_bsf *bsf, const char *btid, size_t len, const char *naf_id, unsigned wanted)
{
	char body[1024];

	snprintf(body, sizeof(body), "{\"btid\":\"%.*s\",\"naf_id\":\"%s\"}", (int)len, btid,
		naf_id);
	return ask_raw(bsf, body, wanted);
}

static json_t *ask_current(struct ue_bsf *bsf, struct ue_site *site, unsigned wanted)
{
	const struct ue_credential *credential =
		&site->phones.credentials[site->phones.phones[0].current];

	return ask(bsf, credential->btid, credential->btid_len, NAF_ID, wanted);
}

static void expect_text(const json_t *answer, const char *name, const char *wanted)
{
	const char *text = json_string_value(json_object_get(answer, name));

	if (wanted == NULL)
		assert_null(text);
	else
		assert_string_equal(text, wanted);
}

static void expect_key(const json_t *answer, const char *name, const uint8_t *key)
{
	char text[2 * UE_KEY_BYTES + 1] = "";

	ue_hex_put(text, key, UE_KEY_BYTES);
	expect_text(answer, name, text);
}

static void expect_error(json_t *answer, const char *error)
{
	expect_text(answer, "error", error);
	json_decref(answer);
}

#define UICC_ROW IMPI "," BTID "," MUK "," KS_EXT "," EXPIRES "," ADDRESS ",,uicc,news,\n"

// What the BSF says of the one phone of these rows (NULL: keys in the ME) after it has
// bootstrapped, and what the phone has then. The site is gone afterwards.
static json_t *bootstrapped(const char *rows, double gba_u, struct ue_credential *fresh)
{
	struct ue_site *site = rows != NULL ? site_of(rows) : site_of_one();
	struct ue_bsf *bsf = bsf_with(site, 1, gba_u);
	json_t *answer;

	assert_int_equal(ue_bsf_bootstrap(bsf, 0, NOW_S), 0);
	*fresh = site->phones.credentials[site->phones.phones[0].current];
	answer = ask_current(bsf, site, 200);
	ue_bsf_destroy(bsf);
	ue_site_destroy(site);
	return answer;
}

static void expect_derived_mrk(const struct ue_credential *fresh)
{
	uint8_t mrk[UE_KEY_BYTES];

	ue_mrk(fresh->muk, mrk);
	assert_memory_equal(fresh->mrk, mrk, sizeof(mrk));
}

static void phones_of_the_csv_are_known(void **state)
{
	struct ue_site *site = site_of_one();
	struct ue_bsf *bsf = bsf_with(site, 1, 0);
	json_t *answer = ask(bsf, BTID, strlen(BTID), NAF_ID, 200);

	(void)state;
	expect_text(answer, "impi", IMPI);
	expect_text(answer, "ks_naf", MUK);
	expect_text(answer, "ks_ext_naf", NULL);
	expect_text(answer, "keys_in", "me");
	expect_text(answer, "gba_type", "3g");
	// date -u -d @1800003600 +%FT%TZ
	expect_text(answer, "expires", "2027-01-15T09:00:00Z");
	expect_text(answer, "created", "2027-01-15T08:00:00Z");
	json_decref(answer);
	ue_bsf_destroy(bsf);
	ue_site_destroy(site);
	site = site_of(UICC_ROW);
	bsf = bsf_with(site, 1, 0);
	answer = ask_current(bsf, site, 200);
	expect_text(answer, "ks_naf", NULL);
	expect_text(answer, "ks_ext_naf", KS_EXT);
	expect_text(answer, "ks_int_naf", MUK);
	expect_text(answer, "keys_in", "uicc");
	json_decref(answer);
	ue_bsf_destroy(bsf);
	ue_site_destroy(site);
}

static void bootstrapping_gives_both_sides_the_same_keys(void **state)
{
	struct ue_credential fresh;
	json_t *answer = bootstrapped(NULL, 0, &fresh);

	(void)state;
	assert_int_equal(fresh.expires, NOW_S + 3600);
	assert_int_equal(fresh.btid_len, 24 + 1 + strlen(BSF_DOMAIN));
	expect_text(answer, "impi", IMPI);
	expect_key(answer, "ks_naf", fresh.muk);
	expect_derived_mrk(&fresh);
	expect_text(answer, "created", "2027-01-15T08:00:00Z");
	json_decref(answer);
}

static void btid_before_is_none_any_more(void **state)
{
	struct ue_site *site = site_of_one();
	struct ue_bsf *bsf = bsf_with(site, 1, 0);
	const struct ue_credential *fresh;

	(void)state;
	assert_int_equal(ue_bsf_bootstrap(bsf, 0, NOW_S), 0);
	fresh = &site->phones.credentials[1];
	assert_memory_equal(fresh->btid + 22, "==@" BSF_DOMAIN, 3 + strlen(BSF_DOMAIN));
	expect_error(ask(bsf, BTID, strlen(BTID), NAF_ID, 404), "not-known");
	ue_bsf_destroy(bsf);
	ue_site_destroy(site);
}

static void keys_in_the_uicc_come_from_a_gba_u_run(void **state)
{
	struct ue_credential fresh;
	json_t *answer = bootstrapped(UICC_ROW, 0, &fresh);

	(void)state;
	assert_true(fresh.keys_in_uicc);
	expect_text(answer, "ks_naf", NULL);
	expect_key(answer, "ks_ext_naf", fresh.mrk);
	expect_key(answer, "ks_int_naf", fresh.muk);
	expect_text(answer, "keys_in", "uicc");
	json_decref(answer);
}

static void keys_in_the_me_may_come_from_a_gba_u_run(void **state)
{
	struct ue_credential fresh;
	json_t *answer = bootstrapped(NULL, 100, &fresh);

	(void)state;
	expect_text(answer, "ks_naf", NULL);
	expect_key(answer, "ks_ext_naf", fresh.muk);
	expect_text(answer, "keys_in", "me");
	assert_non_null(json_object_get(answer, "ks_int_naf"));
	expect_derived_mrk(&fresh);
	json_decref(answer);
}

// Two sites with other orders of events and the same seed.
static void what_is_drawn_depends_on_seed_phone_and_number_only(void **state)
{
	const char *rows = IMPI "," BTID "," MUK "," MRK "," EXPIRES "," ADDRESS ",,me,news,\n"
				"other@ims,,,,,10.0.0.8,,me,news,\n";
	struct ue_site *a = site_of(rows), *b = site_of(rows), *c = site_of(rows);
	struct ue_bsf *of_a = bsf_with(a, 1, 0), *of_b = bsf_with(b, 1, 0),
		      *of_c = bsf_with(c, 2, 0);

	(void)state;
	assert_int_equal(ue_bsf_bootstrap(of_a, 0, NOW_S), 0);
	assert_int_equal(ue_bsf_bootstrap(of_a, 1, NOW_S), 0);
	assert_int_equal(ue_bsf_bootstrap(of_a, 0, NOW_S), 0);
	assert_int_equal(ue_bsf_bootstrap(of_b, 1, NOW_S), 0);
	assert_int_equal(ue_bsf_bootstrap(of_b, 0, NOW_S), 0);
	assert_int_equal(ue_bsf_bootstrap(of_c, 0, NOW_S), 0);
	assert_memory_equal(
		a->phones.credentials[1].muk, b->phones.credentials[2].muk, UE_KEY_BYTES);
	assert_memory_equal(
		a->phones.credentials[2].muk, b->phones.credentials[1].muk, UE_KEY_BYTES);
	assert_memory_not_equal(
		a->phones.credentials[1].muk, a->phones.credentials[3].muk, UE_KEY_BYTES);
	assert_memory_not_equal(
		a->phones.credentials[1].muk, a->phones.credentials[2].muk, UE_KEY_BYTES);
	assert_memory_not_equal(
		a->phones.credentials[1].muk, c->phones.credentials[1].muk, UE_KEY_BYTES);
	ue_bsf_destroy(of_a);
	ue_bsf_destroy(of_b);
	ue_bsf_destroy(of_c);
	ue_site_destroy(a);
	ue_site_destroy(b);
	ue_site_destroy(c);
}

// A phone of an earlier run with the same seed brings its B-TID along.
static void rand_that_was_drawn_before_is_drawn_anew(void **state)
{
	struct ue_site *first = site_of_one(), *second = site_of_one();
	struct ue_bsf *of_first = bsf_with(first, 1, 0), *of_second = bsf_with(second, 1, 0);
	const struct ue_credential *drawn = &first->phones.credentials[1];
	struct ue_fresh fresh;

	(void)state;
	assert_int_equal(ue_bsf_bootstrap(of_first, 0, NOW_S), 0);
	drawn = &first->phones.credentials[1];
	fresh = (struct ue_fresh){drawn->btid, drawn->btid_len, NOW_S, drawn->muk, drawn->mrk};
	assert_int_equal(ue_phones_renew(&second->phones, 0, &fresh), 0);
	assert_int_equal(ue_bsf_bootstrap(of_second, 0, NOW_S), 0);
	assert_int_equal(second->phones.credential_count, 3);
	assert_memory_not_equal(second->phones.credentials[2].muk, drawn->muk, UE_KEY_BYTES);
	ue_bsf_destroy(of_first);
	ue_bsf_destroy(of_second);
	ue_site_destroy(first);
	ue_site_destroy(second);
}

static void what_is_not_to_be_told_is_refused_by_name(void **state)
{
	struct ue_site *site = site_of_one();
	struct ue_bsf *bsf = bsf_with(site, 1, 0);

	(void)state;
	expect_error(ask(bsf, "x@y", 3, NAF_ID, 404), "not-known");
	// The identifier of HTTP Digest (01 00 00 00 02) gives other keys.
	expect_error(ask(bsf, BTID, strlen(BTID), "626d73632e686f6d65312e6e65740100000002", 403),
		"not-authorised");
	expect_error(ask(bsf, BTID, strlen(BTID), "", 403), "not-authorised");
	expect_error(ask_raw(bsf, "", 400), "bad-request");
	expect_error(ask_raw(bsf, "{\"btid\":7,\"naf_id\":\"00\"}", 400), "bad-request");
	expect_error(ask_raw(bsf, "{\"btid\":\"a\"}", 400), "bad-request");
	site->phones.credentials[0].expires = NOW_S;
	expect_error(ask_current(bsf, site, 404), "not-known");
	ue_bsf_destroy(bsf);
	ue_site_destroy(site);
}

static void moods_change_what_is_told(void **state)
{
	struct ue_site *site = site_of_one();
	struct ue_bsf *bsf = bsf_with(site, 1, 0);
	json_t *report;

	(void)state;
	ue_bsf_mood_set(bsf, UE_BSF_BUSY);
	expect_error(ask_current(bsf, site, 503), "busy");
	ue_bsf_mood_set(bsf, UE_BSF_NOT_AUTHORISED);
	expect_error(ask_current(bsf, site, 403), "not-authorised");
	ue_bsf_mood_set(bsf, UE_BSF_NOT_KNOWN);
	expect_error(ask_current(bsf, site, 404), "not-known");
	ue_bsf_mood_set(bsf, UE_BSF_TRUTHFUL);
	json_decref(ask_current(bsf, site, 200));
	report = ue_bsf_report(bsf);
	expect_text(report, "mood", "truthful");
	assert_int_equal(json_integer_value(json_object_get(report, "busy")), 1);
	assert_int_equal(json_integer_value(json_object_get(report, "answered")), 1);
	json_decref(report);
	ue_bsf_destroy(bsf);
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phones_of_the_csv_are_known),
		cmocka_unit_test(bootstrapping_gives_both_sides_the_same_keys),
		cmocka_unit_test(btid_before_is_none_any_more),
		cmocka_unit_test(keys_in_the_uicc_come_from_a_gba_u_run),
		cmocka_unit_test(keys_in_the_me_may_come_from_a_gba_u_run),
		cmocka_unit_test(what_is_drawn_depends_on_seed_phone_and_number_only),
		cmocka_unit_test(rand_that_was_drawn_before_is_drawn_anew),
		cmocka_unit_test(what_is_not_to_be_told_is_refused_by_name),
		cmocka_unit_test(moods_change_what_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
