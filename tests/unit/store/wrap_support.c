// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "wrap_support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "support_import.h"

const uint8_t wrapped_key[32] = {0x11, 0x22, 0x33};

const char *wrapped_key_file(const char *kind, const void *data, size_t len, mode_t mode)
{
	static char source[2][200];
	static unsigned turn;
	char *out = source[turn++ % 2];
	FILE *f;

	snprintf(out, sizeof(source[0]), "%s", kind);
	snprintf(out + strlen(out), sizeof(source[0]) - strlen(out), "%s/key", test_dir());
	f = fopen(strchr(out, ':') + 1, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	chmod(strchr(out, ':') + 1, mode);
	return out;
}

const char *wrapped_right_key(void)
{
	static char source[200];

	if (source[0] == '\0')
		snprintf(source, sizeof(source), "%s",
			wrapped_key_file("file:", wrapped_key, sizeof(wrapped_key), 0600));
	return source;
}

static int open_with(const char *dir, const char *source, struct store_env **env, char why[256])
{
	struct store_env_conf conf = {.dir = dir, .max_readers = 4, .wrapping_key = source};

	return store_env_open(&conf, env, why);
}

struct store_env *wrapped_open(const char *dir, const char *source)
{
	struct store_env *env;
	char why[256];

	if (open_with(dir, source, &env, why) != 0)
		fail_msg("%s", why);
	return env;
}

void wrapped_expect_refused(const char *dir, const char *source, int rc, const char *sentence)
{
	struct store_env *env;
	char why[256];

	assert_int_equal(open_with(dir, source, &env, why), rc);
	if (strstr(why, sentence) == NULL)
		fail_msg("%s", why);
}

struct store_env *wrapped_fill(const char *dir, const char *source)
{
	struct store_env *env = wrapped_open(dir, source);
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_service service = {.name = "s", .group_count = 1, .group = {group.id}};
	struct store_msk msk = test_msk(&group, 1, 7);
	struct store_mtks mtks = test_mtks(&msk, 3);
	struct store_bearer bearer = {.group = group.id, .flags = STORE_BEARER_ON, .places = 1};
	struct store_subscriber sub;
	struct store_txn *txn;
	uint32_t reservation;
	store_set set;

	test_import_range(env, 0, WRAPPED_PEOPLE);
	test_verify(env, 3);
	test_subscriber(3, 5003, &sub);
	test_put(env, &sub);
	test_subscriber(4, 0, &sub);
	strcpy(sub.btid, "a raw name");
	test_put(env, &sub);
	txn = test_begin(env);
	assert_int_equal(store_group_put(txn, &group), 0);
	assert_int_equal(store_msk_put(txn, &msk), 0);
	assert_int_equal(store_mtks_put(txn, &mtks, &reservation), 0);
	assert_int_equal(store_bearer_put(txn, &bearer), 0);
	assert_int_equal(store_service_put(txn, &service), 0);
	assert_int_equal(store_set_intern(txn, &service.id, 1, &set), 0);
	test_commit(txn);
	return env;
}

bool wrapped_gcm_open(const uint8_t key[32], const uint8_t *nonce, struct blob aad, struct blob in,
	const uint8_t *tag, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool is_good;

	assert_int_equal(EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce), 1);
	assert_int_equal(EVP_DecryptUpdate(c, NULL, &n, aad.data, (int)aad.len), 1);
	assert_int_equal(EVP_DecryptUpdate(c, out, &n, in.data, (int)in.len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, (void *)tag), 1);
	is_good = EVP_DecryptFinal_ex(c, out, &n) == 1;
	EVP_CIPHER_CTX_free(c);
	return is_good;
}
