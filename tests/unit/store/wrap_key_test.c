// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Where a wrapping key comes from: its forms, and what is said of a wrong one.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "wrap.h"
#include "wrap_keys.h"
#include "wrap_support.h"

static void wrong_key_is_refused_with_a_sentence(void **state)
{
	const char *dir = test_dir();
	uint8_t other[32] = {0x11, 0x22, 0x34};

	(void)state;
	store_env_close(wrapped_fill(dir, wrapped_right_key()));
	wrapped_expect_refused(dir, "none", -EKEYREJECTED, "store.wrapping_key has to name it");
	wrapped_expect_refused(dir, NULL, -EKEYREJECTED, "store.wrapping_key has to name it");
	wrapped_expect_refused(
		dir, wrapped_key_file("file:", other, 32, 0600), -EKEYREJECTED, "is not the one");
	wrapped_expect_refused(dir, wrapped_key_file("passphrase-file:", "a passphrase", 12, 0600),
		-EKEYREJECTED, "wrapped under a key, and not a passphrase");
	store_env_close(wrapped_open(dir, wrapped_right_key()));
}

// Whoever takes the record of the wrapping away does not get the store taken for one in the clear.
static void store_that_was_wrapped_stays_wrapped(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = wrapped_fill(dir, wrapped_right_key());
	struct store_txn *txn = test_begin(env);
	struct db_cursor c;

	(void)state;
	assert_int_equal(db_cursor_open(&txn->view, DB_META, &c), 0);
	while (db_cursor_next(&c) == 0 && blob_to_u32(c.key) != META_WRAP)
		;
	assert_int_equal(blob_to_u32(c.key), META_WRAP);
	assert_int_equal(db_cursor_del(&c), 0);
	db_cursor_close(&c);
	test_commit(txn);
	store_env_close(env);
	wrapped_expect_refused(dir, wrapped_right_key(), -EKEYREJECTED, "has data keys");
	wrapped_expect_refused(dir, "none", -EKEYREJECTED, "has data keys");
}

static void unusable_key_file_is_refused_with_a_sentence(void **state)
{
	const char *dir = test_dir();

	(void)state;
	wrapped_expect_refused(dir, wrapped_key_file("file:", wrapped_key, 31, 0600), -EINVAL,
		"neither 32 octets");
	wrapped_expect_refused(
		dir, wrapped_key_file("file:", "xx", 2, 0600), -EINVAL, "neither 32 octets");
	wrapped_expect_refused(
		dir, wrapped_key_file("file:", wrapped_key, 32, 0604), -EPERM, "chmod o=");
	wrapped_expect_refused(
		dir, wrapped_key_file("passphrase-file:", "short\n", 6, 0600), -EINVAL, "shorter");
	wrapped_expect_refused(dir, "file:/nonexistent/key", -ENOENT, "cannot be read");
	wrapped_expect_refused(dir, "file:key", -EINVAL, "absolute");
	wrapped_expect_refused(dir, "credential:a/b", -EINVAL, "no name of a credential");
	unsetenv("CREDENTIALS_DIRECTORY");
	wrapped_expect_refused(dir, "credential:wrapping-key", -ENOENT, "LoadCredential=");
	wrapped_expect_refused(dir, "somewhere", -EINVAL, "no source of a wrapping key");
}

static void key_comes_in_any_of_its_forms(void **state)
{
	const char *dir = test_dir(), *file = wrapped_right_key();
	char hex[66] = "1122330000000000000000000000000000000000000000000000000000000000\n";
	char directory[200];

	(void)state;
	store_env_close(wrapped_fill(dir, file));
	store_env_close(wrapped_open(dir, wrapped_key_file("file:", hex, 65, 0600)));
	store_env_close(wrapped_open(dir, wrapped_key_file("file:", hex, 64, 0640)));
	snprintf(directory, sizeof(directory), "%s", file + strlen("file:"));
	*strrchr(directory, '/') = '\0';
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	store_env_close(wrapped_open(dir, "credential:key"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

// scrypt with N = 2^17, r = 8, p = 1 and the salt that is stored, as docs/store-format.md says.
static void passphrase_goes_through_scrypt(void **state)
{
	const char *dir = test_dir();
	const char *source =
		wrapped_key_file("passphrase-file:", "correct horse battery\nrest", 26, 0600);
	struct store_env *env = wrapped_fill(dir, source);
	struct store_txn *txn = test_begin(env);
	struct wrap_record record;
	uint8_t key[32], nothing[1];
	struct blob val;

	(void)state;
	assert_int_equal(db_get_u32(&txn->view, DB_META, 3, &val), 0);
	assert_int_equal(val.len, sizeof(record));
	memcpy(&record, val.data, sizeof(record));
	assert_int_equal(record.scrypt.log2_n, 17);
	assert_int_equal(record.scrypt.r, 8);
	assert_int_equal(record.scrypt.p, 1);
	assert_int_equal(EVP_PBE_scrypt("correct horse battery", 21, record.scrypt.salt, 16,
				 1 << 17, 8, 1, UINT64_C(256) << 20, key, 32),
		1);
	assert_true(wrapped_gcm_open(key, record.nonce, (struct blob){&record, 28},
		(struct blob){"", 0}, record.tag, nothing));
	store_txn_abort(txn);
	store_env_close(env);
	wrapped_expect_refused(dir,
		wrapped_key_file("passphrase-file:", "correct horse batterY", 21, 0600),
		-EKEYREJECTED, "is not the one");
	store_env_close(wrapped_open(dir, source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_key_is_refused_with_a_sentence),
		cmocka_unit_test(store_that_was_wrapped_stays_wrapped),
		cmocka_unit_test(unusable_key_file_is_refused_with_a_sentence),
		cmocka_unit_test(key_comes_in_any_of_its_forms),
		cmocka_unit_test(passphrase_goes_through_scrypt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
