// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin_access.h"
#include "test.h"

// printf %s 0123456789abcdef0123456789abcdef | sha256sum
#define TOKEN "0123456789abcdef0123456789abcdef"
#define HASH "3e7ae1bd9f65b1ccc2a0e9a1d2ab0ea8f5dd8a3b4e1a0c4b3d0ba4f0f0f0f0f0"

static struct conf conf;
static struct admin_access *access_;
static char why[256], path[64];

static int begin(void **state)
{
	(void)state;
	conf_init(&conf);
	snprintf(path, sizeof(path), "/tmp/mskpush-tokens-%d", (int)getpid());
	why[0] = '\0';
	access_ = NULL;
	return 0;
}

static int end(void **state)
{
	(void)state;
	admin_access_destroy(access_);
	unlink(path);
	return 0;
}

static void list_set(struct conf_texts *list, const char *text)
{
	snprintf(list->value[0], CONF_TEXT_MAX, "%s", text);
	list->n = 1;
}

static void tokens_write(const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	snprintf(conf.admin.tokens, sizeof(conf.admin.tokens), "%s", path);
}

// The line that gives a token to a name, its hash worked out by coreutils.
static void token_add(
	char *text, size_t size, const char *name, const char *roles, const char *token)
{
	char command[256], hash[65] = "";
	FILE *out;

	snprintf(command, sizeof(command), "printf %%s '%s' | sha256sum", token);
	out = popen(command, "r");
	assert_int_equal(fread(hash, 1, 64, out), 64);
	pclose(out);
	snprintf(text + strlen(text), size - strlen(text), "%s %s %s\n", name, roles, hash);
}

static unsigned roles_of(const char *authorization)
{
	struct admin_peer peer;

	admin_access_token(access_, authorization, &peer);
	assert_int_equal(peer.via, ADMIN_BY_TLS);
	return peer.roles;
}

static void role_brings_those_below_it(void **state)
{
	char text[ADMIN_ROLES_TEXT];
	unsigned roles;

	(void)state;
	assert_int_equal(admin_roles_parse("metrics", &roles), 0);
	assert_int_equal(roles, ADMIN_METRICS);
	assert_int_equal(admin_roles_parse("keys", &roles), 0);
	assert_int_equal(roles, ADMIN_METRICS | ADMIN_READ | ADMIN_KEYS);
	assert_int_equal(admin_roles_parse("operate,keys", &roles), 0);
	assert_int_equal(roles, ADMIN_ALL);
	admin_roles_text(ADMIN_ALL, text);
	assert_string_equal(text, "metrics read operate keys");
	admin_roles_text(0, text);
	assert_string_equal(text, "no role");
	assert_int_equal(admin_roles_parse("", &roles), -EINVAL);
	assert_int_equal(admin_roles_parse("root", &roles), -EINVAL);
	assert_int_equal(admin_roles_parse("keys,,read", &roles), -EINVAL);
	assert_int_equal(admin_roles_parse("rea", &roles), -EINVAL);
}

static void unknown_account_or_group_is_named(void **state)
{
	(void)state;
	list_set(&conf.admin.operate, "nobody-of-this-name");
	assert_int_equal(admin_access_create(&conf, &access_, why), -EINVAL);
	assert_string_equal(why, "admin.operate: there is no account nobody-of-this-name");
	list_set(&conf.admin.operate, "@no-such-group");
	assert_int_equal(admin_access_create(&conf, &access_, why), -EINVAL);
	assert_string_equal(why, "admin.operate: there is no group no-such-group");
	conf.admin.operate.n = 0;
	strcpy(conf.admin.group, "no-such-group");
	assert_int_equal(admin_access_create(&conf, &access_, why), -EINVAL);
	assert_string_equal(why, "admin.group: there is no group no-such-group");
}

static void group_of_the_socket_is_found_by_name_and_number(void **state)
{
	const struct group *group = getgrgid(getgid());

	(void)state;
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	assert_int_equal(admin_access_group(access_), (gid_t)-1);
	admin_access_destroy(access_);
	snprintf(conf.admin.group, sizeof(conf.admin.group), "%s",
		group != NULL ? group->gr_name : "0");
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	assert_int_equal(admin_access_group(access_), getgid());
	admin_access_destroy(access_);
	strcpy(conf.admin.group, "4711");
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	assert_int_equal(admin_access_group(access_), 4711);
}

static void own_account_has_every_role_and_its_name_is_told(void **state)
{
	const struct passwd *account = getpwuid(getuid());
	struct admin_peer peer;
	int ends[2];

	(void)state;
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	admin_access_socket(access_, ends[0], &peer);
	assert_int_equal(peer.roles, ADMIN_ALL);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.via, ADMIN_BY_SOCKET);
	if (account != NULL)
		assert_string_equal(peer.name, account->pw_name);
	close(ends[0]);
	close(ends[1]);
}

static void what_is_no_unix_socket_has_no_roles(void **state)
{
	struct admin_peer peer;
	int ends[2];

	(void)state;
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	assert_int_equal(pipe(ends), 0);
	admin_access_socket(access_, ends[0], &peer);
	assert_int_equal(peer.roles, 0);
	close(ends[0]);
	close(ends[1]);
}

static void token_has_the_roles_of_its_line(void **state)
{
	char text[1024] = "# who may come over TLS\n\n";
	struct admin_peer peer;

	(void)state;
	token_add(text, sizeof(text), "prometheus", "metrics", "a-token-for-prometheus");
	token_add(text, sizeof(text), "night-shift", "operate,keys", TOKEN);
	tokens_write(text);
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	assert_int_equal(roles_of("Bearer a-token-for-prometheus"), ADMIN_METRICS);
	assert_int_equal(roles_of("bearer " TOKEN), ADMIN_ALL);
	admin_access_token(access_, "Bearer " TOKEN, &peer);
	assert_string_equal(peer.name, "night-shift");
}

static void what_is_no_token_of_ours_has_no_roles(void **state)
{
	char text[1024] = "", long_token[2000];

	(void)state;
	token_add(text, sizeof(text), "a", "keys", TOKEN);
	token_add(text, sizeof(text), "short", "keys", "short");
	token_add(text, sizeof(text), "empty", "keys", "");
	tokens_write(text);
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	memset(long_token, 'x', sizeof(long_token) - 1);
	long_token[sizeof(long_token) - 1] = '\0';
	memcpy(long_token, "Bearer ", 7);
	assert_int_equal(roles_of(NULL), 0);
	assert_int_equal(roles_of(""), 0);
	assert_int_equal(roles_of("Bearer"), 0);
	assert_int_equal(roles_of("Bearer "), 0);
	assert_int_equal(roles_of("Bearer short"), 0);
	assert_int_equal(roles_of("Basic " TOKEN), 0);
	assert_int_equal(roles_of("Bearer " TOKEN "0"), 0);
	assert_int_equal(roles_of("Bearer 0123456789abcdef0123456789abcde"), 0);
	assert_int_equal(roles_of(long_token), 0);
}

static void line_of_tokens_that_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *complaint;
	} cases[] = {
		{"a keys\n", ":1: a line is NAME ROLE,ROLE SHA256"},
		{"# x\na keys " HASH " more\n", ":2: a line is NAME"},
		{"a all " HASH "\n", ":1: roles are metrics, read, operate, keys"},
		{"a keys abc\n", ":1: the last word is to be the token's SHA-256"},
		{"a keys zz7ae1bd9f65b1ccc2a0e9a1d2ab0ea8f5dd8a3b4e1a0c4b3d0ba4f0f0f0f0f0\n",
			":1: the last word"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tokens_write(cases[i].text);
		assert_int_equal(admin_access_create(&conf, &access_, why), -EINVAL);
		assert_non_null(strstr(why, cases[i].complaint));
	}
	unlink(path);
	assert_int_equal(admin_access_create(&conf, &access_, why), -ENOENT);
	assert_non_null(strstr(why, path));
}

static void reload_takes_over_all_or_nothing(void **state)
{
	char text[1024] = "";

	(void)state;
	token_add(text, sizeof(text), "a", "read", TOKEN);
	tokens_write(text);
	assert_int_equal(admin_access_create(&conf, &access_, why), 0);
	tokens_write("a keys nonsense\n");
	assert_int_equal(admin_access_reload(access_, &conf, why), -EINVAL);
	assert_int_equal(roles_of("Bearer " TOKEN), ADMIN_METRICS | ADMIN_READ);
	text[0] = '\0';
	token_add(text, sizeof(text), "a", "metrics", TOKEN);
	tokens_write(text);
	assert_int_equal(admin_access_reload(access_, &conf, why), 0);
	assert_int_equal(roles_of("Bearer " TOKEN), ADMIN_METRICS);
	tokens_write("");
	assert_int_equal(admin_access_reload(access_, &conf, why), 0);
	assert_int_equal(roles_of("Bearer " TOKEN), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(role_brings_those_below_it),
		T(unknown_account_or_group_is_named),
		T(group_of_the_socket_is_found_by_name_and_number),
		T(own_account_has_every_role_and_its_name_is_told),
		T(what_is_no_unix_socket_has_no_roles),
		T(token_has_the_roles_of_its_line),
		T(what_is_no_token_of_ours_has_no_roles),
		T(line_of_tokens_that_is_wrong_is_named),
		T(reload_takes_over_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
