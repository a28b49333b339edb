// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Run by valgrind (constant_time_test.py), which is told that all keys and what is encrypted are
// not defined: it then names every branch and every address that depends on one of them. Ends with
// status 77 when the machine has no such path. Argument: the path.

#include <stdio.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "../../../dataplane/crypto/context.h"

#define SECRET(x) VALGRIND_MAKE_MEM_UNDEFINED(&(x), sizeof(x))
#define PUBLIC(x) VALGRIND_MAKE_MEM_DEFINED(&(x), sizeof(x))
#define ENCR_OFF 137
#define ENCR_BYTES 26
#define EXIT_SKIPPED 77

static uint8_t muk[CRYPTO_BURST][32];
static uint8_t data[CRYPTO_BURST][400];
static struct crypto_hmac_state psk[CRYPTO_BURST];
static struct crypto_staged_keys keys[CRYPTO_BURST];
static struct crypto_seal_msg seal[CRYPTO_BURST];
static struct crypto_check_msg check[CRYPTO_BURST];
static const struct crypto_hmac_state *psks[CRYPTO_BURST];
static const struct crypto_staged_keys *staged[CRYPTO_BURST];
static uint8_t is_good[CRYPTO_BURST];

// Pushes and solicited pulls, of different lengths.
static void messages_init(void)
{
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		size_t len = 164 + 3 * i;

		memset(data[i], 0x5a, sizeof(data[i]));
		seal[i] = (struct crypto_seal_msg){
			&psk[i], data[i], ENCR_OFF, i % 4 == 3 ? 0 : ENCR_BYTES, (uint16_t)len};
		check[i] =
			(struct crypto_check_msg){&psk[i], data[i], (uint16_t)len, data[i] + len};
		psks[i] = &psk[i];
		staged[i] = &keys[i];
		VALGRIND_MAKE_MEM_UNDEFINED(data[i] + ENCR_OFF, seal[i].encr_len);
	}
}

// What leaves is on the wire, and the receiver learns whether a MAC was good.
static void run(struct crypto *c, const struct crypto_label *label)
{
	SECRET(muk);
	crypto_hmac_state_burst(c, muk[0], sizeof(muk[0]), sizeof(muk[0]), psk, CRYPTO_BURST);
	messages_init();
	crypto_seal_burst(c, label, 1, seal, CRYPTO_BURST);
	PUBLIC(data);
	crypto_check_burst(c, label, check, CRYPTO_BURST, is_good);
	PUBLIC(is_good);
	messages_init();
	crypto_derive_burst(c, label, psks, CRYPTO_BURST, keys);
	crypto_seal_staged_burst(c, label->csb_id, 2, staged, seal, CRYPTO_BURST);
}

#ifdef CTGRIND_LEAK
// The test of the test: a branch on a derived key.
static void leak(void)
{
	if (keys[3].encr[5] & 1)
		puts("a key is odd");
}
#else
static void leak(void)
{
}
#endif

static enum crypto_path_id path_named(const char *name)
{
	for (enum crypto_path_id id = CRYPTO_PATH_AUTO + 1; id < CRYPTO_PATH_COUNT; id++)
		if (strcmp(crypto_path_name(id), name) == 0)
			return id;
	return CRYPTO_PATH_COUNT;
}

int main(int argc, char **argv)
{
	const struct crypto_label label = {.csb_id = 7, .rand_len = 16, .rand = {1, 2, 3}};
	enum crypto_path_id path = path_named(argc == 2 ? argv[1] : "");
	struct crypto *c;

	if (path == CRYPTO_PATH_COUNT || RUNNING_ON_VALGRIND == 0) {
		fprintf(stderr, "usage: valgrind ctgrind avx2|ipsec-mb\n");
		return 2;
	}
	if (crypto_create_path(path, &c) != 0)
		return EXIT_SKIPPED;
	// Samples compare what is secret on purpose, and are no part of the path.
	c->until_sample = SAMPLE_EVERY;
	run(c, &label);
	leak();
	crypto_destroy(c);
	return 0;
}
