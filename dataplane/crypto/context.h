// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the files of this room share and nobody else sees.

#pragma once

#include <stdbool.h>

#include "../mikey/constants.h"
#include "crypto.h"
#include "mb.h"

#define MAC_DATA_MAX 2048
#define CRYPTO_IV_BYTES 16
#define SAMPLE_EVERY 65536
#define STACK_WIPED_BYTES 4096 // more than the paths use

enum crypto_key_kind {
	CRYPTO_KEY_AUTH,
	CRYPTO_KEY_ENCR,
	CRYPTO_KEY_SALT,
	CRYPTO_KEY_KINDS
};

#define DERIVE_MAX (CRYPTO_KEY_KINDS * CRYPTO_BURST)
// What the second step of the PRF hashes, A_1 || label, on a 16-octet grid.
#define DERIVE_STEP_MAX ((MB_SHA1_BYTES + MIKEY_LABEL_MAX_BYTES + 15) / 16 * 16)

// The derivations of one burst (RFC 3830 4.1): crypto_derive_begin(), crypto_derive_add(),
// crypto_derive_run().
struct crypto_derive {
	size_t count;
	size_t label_len;
	uint8_t labels[CRYPTO_KEY_KINDS][MIKEY_LABEL_MAX_BYTES];
	struct mb_hmac first[DERIVE_MAX];
	struct mb_hmac second[DERIVE_MAX];
	_Alignas(64) uint8_t steps[DERIVE_MAX * DERIVE_STEP_MAX]; // wiped by crypto_derive_run()
};

// The MACs of one burst: crypto_mac_begin(), crypto_mac_add(), crypto_mac_run().
struct crypto_mac {
	size_t count;
	size_t inner_len;
	struct mb_sha1 first[CRYPTO_BURST];
	struct mb_sha1 second[CRYPTO_BURST];
	// Wiped by crypto_mac_run(): (key XOR ipad) || data, and (key XOR opad) || inner digest.
	_Alignas(64) uint8_t inner[CRYPTO_BURST * (MB_BLOCK_BYTES + MAC_DATA_MAX)];
	uint8_t outer[CRYPTO_BURST][MB_BLOCK_BYTES + MB_SHA1_BYTES];
};

// The secrets of one message. Keys are PRF blocks of which the cipher takes the first octets.
struct crypto_message_keys {
	uint8_t auth[MB_SHA1_BYTES];
	uint8_t encr[MB_SHA1_BYTES];
	uint8_t salt[MB_SHA1_BYTES];
	uint8_t iv[16];
	uint8_t mac[MB_SHA1_BYTES]; // what a message to check should carry
};

// One way to do the work: the faces of crypto.h, for n of 1 to CRYPTO_BURST.
struct crypto_path {
	const char *name;
	bool (*is_available)(void); // on this CPU, under this system
	int (*create)(struct crypto *c); // makes what the path alone needs; may be NULL
	void (*hmac_states)(struct crypto *c, const uint8_t *keys, size_t key_stride,
		size_t key_len, struct crypto_hmac_state *states, size_t n);
	void (*seal)(struct crypto *c, const struct crypto_label *label, uint32_t counter,
		struct crypto_seal_msg *msgs, size_t n);
	void (*check)(struct crypto *c, const struct crypto_label *label,
		const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good);
	void (*derive)(struct crypto *c, const struct crypto_label *label,
		const struct crypto_hmac_state *const *psks, size_t n,
		struct crypto_staged_keys *out);
	void (*seal_staged)(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
		const struct crypto_staged_keys *const *staged, struct crypto_seal_msg *msgs,
		size_t n);
	size_t (*compress)(struct crypto *c, size_t n);
};
extern const struct crypto_path crypto_path_avx512;
extern const struct crypto_path crypto_path_avx512_aesni;
extern const struct crypto_path crypto_path_avx2;
extern const struct crypto_path crypto_path_mb;

struct crypto {
	const struct crypto_path *path;
	struct crypto_derive derive;
	struct crypto_mac mac;
	struct mb_ctr ctr[CRYPTO_BURST];
	struct crypto_message_keys keys[CRYPTO_BURST]; // wiped before a burst function returns
	struct mb *mb;
	struct lanes *lanes; // NULL on the path through ipsec-mb
	uint32_t until_sample; // messages
	const char *fault; // NULL: all samples were right
	uint8_t sample[MAC_DATA_MAX + MIKEY_MAC_BYTES]; // wiped after use
	char path_text[64];
};

// Lays out the labels of all keys (RFC 3830 4.1.4). Returns their length.
size_t crypto_labels_write(
	uint8_t labels[CRYPTO_KEY_KINDS][MIKEY_LABEL_MAX_BYTES], const struct crypto_label *label);

void crypto_derive_begin(struct crypto_derive *d, const struct crypto_label *label);
// Puts one key on the list, at most DERIVE_MAX: MB_SHA1_BYTES octets will be written to `key`.
void crypto_derive_add(struct crypto_derive *d, const struct crypto_hmac_state *psk,
	enum crypto_key_kind kind, uint8_t *key);
void crypto_derive_run(struct crypto_derive *d, struct mb *mb);

void crypto_mac_begin(struct crypto_mac *m);
// Puts HMAC-SHA-1(key, data[0..len)) on the list, at most CRYPTO_BURST: data is taken now,
// MB_SHA1_BYTES octets will be written to `tag`.
void crypto_mac_add(struct crypto_mac *m, const uint8_t key[MIKEY_AUTH_KEY_BYTES],
	const uint8_t *data, size_t len, uint8_t *tag);
void crypto_mac_run(struct crypto_mac *m, struct mb *mb);

// lanes.c
void lanes_destroy(struct lanes *l);

// prf.c: the state of one key.
void crypto_hmac_state_init(
	struct mb *mb, struct crypto_hmac_state *state, const uint8_t *key, size_t key_len);

// What the IV of AES-CM has besides the salt (RFC 3830 4.2.3): the IV is the XOR of both, the
// last two octets count blocks.
void crypto_iv_init(uint8_t iv[CRYPTO_IV_BYTES], uint32_t csb_id, uint32_t counter);

// 1 when both are the same, else 0. Looks at all octets whatever they are: time tells nothing about
// the first that differs.
uint8_t crypto_equal(const void *a, const void *b, size_t len);

// sample.c: crypto_sample_pick() says which of n messages is to be computed a second time, n for
// none; the others do that and note a fault when the results differ. crypto_sample_keep() comes
// before the message is sealed in place.
size_t crypto_sample_pick(struct crypto *c, size_t n);
void crypto_sample_keep(struct crypto *c, const struct crypto_seal_msg *msg);
void crypto_sample_seal(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	const struct crypto_seal_msg *msg);
void crypto_sample_staged(struct crypto *c, const uint8_t iv[CRYPTO_IV_BYTES],
	const struct crypto_staged_keys *staged, const struct crypto_seal_msg *msg);
void crypto_sample_check(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msg, uint8_t is_good);
void crypto_sample_derive(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *psk, const struct crypto_staged_keys *keys);
void crypto_sample_state(struct crypto *c, const uint8_t *key, size_t key_len,
	const struct crypto_hmac_state *state);

// Runs the known answers through the public functions; -EIO when one of them does not hold.
int crypto_kat_run(struct crypto *c);
// Holds a path against ipsec-mb; -EIO when they differ.
int crypto_noise_check(struct crypto *c);
