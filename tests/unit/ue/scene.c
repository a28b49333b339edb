// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "scene.h"

#include <openssl/evp.h>
#include <stdlib.h>

const struct ue_subject group1 = {.kdi = {0x00, 0xf1, 0x10}, .group = 1};

struct scene scene_with(const char *rows, bool has_bsf)
{
	struct scene scene = {
		.site = rows != NULL ? site_of(rows) : site_of_one(), .now = now_at(0)};
	const struct ue_bsf_conf bsf_conf = {
		.fqdn = FQDN, .domain = "bsf", .lifetime_s = 3600, .seed = 1};
	struct ue_ua_conf conf = {
		.authority = "bmsc:80",
		.base = "/base",
		.fqdn = FQDN,
		.attempts = 3,
		.back_off_us = SECOND,
		.msk_wait_us = 20 * SECOND,
		.missed_wait_us = 5 * SECOND,
		.missed_back_off_us = 10 * SECOND,
		.keys = {group1},
		.key_count = 1,
		.seed = 1,
	};

	if (has_bsf)
		assert_int_equal(ue_bsf_create(&scene.bsf, &bsf_conf, &scene.site->phones), 0);
	conf.bsf = scene.bsf;
	assert_int_equal(ue_ua_create(&scene.ua, &conf, &scene.site->phones), 0);
	scene.site->ua = scene.ua;
	scene.site->bsf = scene.bsf;
	return scene;
}

void scene_end(struct scene *scene)
{
	ue_ua_destroy(scene->ua);
	ue_bsf_destroy(scene->bsf);
	ue_site_destroy(scene->site);
}

long number(const struct scene *scene, const char *path)
{
	json_t *report = ue_report_status(scene->site, &scene->now), *at = report;
	char name[128];
	long value;

	if (strncmp(path, "key_source/", 11) != 0)
		at = json_object_get(report, "ua");
	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		at = json_object_get(at, name);
		path += len + (path[len] == '/');
	}
	value = (long)json_integer_value(at);
	json_decref(report);
	return value;
}

void expect_number(const struct scene *scene, const char *path, long wanted)
{
	if (number(scene, path) != wanted)
		fail_msg("%s is %ld, not %ld", path, number(scene, path), wanted);
}

void want(struct scene *scene, enum ue_procedure procedure)
{
	assert_true(ue_ua_want(scene->ua, 0, procedure, NULL, 0, scene->now.mono));
}

static void request_write(struct scene *scene, uint32_t phone)
{
	char text[8192];
	size_t len = ue_ua_request(scene->ua, phone, &scene->now, text, sizeof(text));

	assert_int_not_equal(len, 0);
	scene->request = bmsc_read(text, len);
}

void ask_phone(struct scene *scene, uint32_t phone)
{
	assert_int_equal(ue_ua_take(scene->ua, &scene->now), phone);
	request_write(scene, phone);
}

void ask(struct scene *scene)
{
	ask_phone(scene, 0);
}

void expect_nobody_asks(struct scene *scene)
{
	assert_int_equal(ue_ua_take(scene->ua, &scene->now), UE_NONE);
}

bool answer(struct scene *scene, const char *text)
{
	struct ue_response response = {0};
	char *data = strdup(text);
	bool is_again;

	assert_non_null(data);
	assert_int_equal(
		ue_response_parse(&response, data, strlen(data), false), UE_RESPONSE_WHOLE);
	is_again = ue_ua_answer(scene->ua, 0, &response, data, &scene->now);
	free(data);
	if (is_again)
		request_write(scene, 0);
	return is_again;
}

void expect_again(struct scene *scene, const char *text)
{
	assert_true(answer(scene, text));
}

void expect_end(struct scene *scene, const char *text)
{
	assert_false(answer(scene, text));
}

void grant(struct scene *scene, const char *body)
{
	const struct bmsc_answer ok = {.body = body};

	assert_true(bmsc_is_right(&scene->request, PASSWORD));
	expect_end(scene, bmsc_ok(&scene->request, PASSWORD, &ok));
}

void ask_authenticated(struct scene *scene, enum ue_procedure procedure)
{
	want(scene, procedure);
	ask(scene);
	assert_string_equal(scene->request.user, "");
	expect_again(scene, bmsc_challenge("n1", ""));
	assert_true(bmsc_is_right(&scene->request, PASSWORD));
}

const struct ue_credential *current(const struct scene *scene, char password[45])
{
	const struct ue_phones *phones = &scene->site->phones;
	const struct ue_credential *credential = &phones->credentials[phones->phones[0].current];

	EVP_EncodeBlock((unsigned char *)password, credential->mrk, UE_KEY_BYTES);
	return credential;
}
