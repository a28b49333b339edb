// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The rival: an ordinary daemon, which makes MSK messages one after the other with OpenSSL and
// hands 64 at a time to a UDP socket on the loopback (sendmmsg). --mode hmac uses HMAC() as its
// manual shows it, --mode evp one EVP_MAC context that is given new keys. Prints messages per
// second of its thread. The socket they go to is never read: the kernel drops what does not fit.

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto.h"
#include "mikey.h"

#define BATCH 64
#define SUBSCRIBERS 100000
#define MUK_BYTES 32
#define SHA1_BYTES 20
#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"

typedef void hmac_fn(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
	uint8_t tag[SHA1_BYTES]);

struct rival {
	hmac_fn *hmac;
	EVP_CIPHER_CTX *cipher;
	struct mikey_template tpl;
	struct crypto_label label;
	uint8_t *muks;
	uint8_t data[BATCH][256];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	int fd;
};

static EVP_MAC_CTX *mac_ctx;

static void hmac_simple(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
	uint8_t tag[SHA1_BYTES])
{
	HMAC(EVP_sha1(), key, (int)key_len, data, len, tag, NULL);
}

static void hmac_reused(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
	uint8_t tag[SHA1_BYTES])
{
	size_t out;

	EVP_MAC_init(mac_ctx, key, key_len, NULL);
	EVP_MAC_update(mac_ctx, data, len);
	EVP_MAC_final(mac_ctx, tag, &out, SHA1_BYTES);
}

static int hmac_reused_init(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA1";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()};

	mac_ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	return mac_ctx != NULL && EVP_MAC_CTX_set_params(mac_ctx, params) ? 0 : -ENOMEM;
}

// RFC 3830 4.1.2 for keys of one piece.
static void derive(
	const struct rival *r, const uint8_t *muk, uint32_t constant, uint8_t key[SHA1_BYTES])
{
	uint8_t step[SHA1_BYTES + MIKEY_LABEL_MAX_BYTES];
	struct mikey_bytes rand = {r->label.rand, r->label.rand_len};
	size_t len = mikey_label(step + SHA1_BYTES, constant, r->label.csb_id, rand);

	r->hmac(muk, MUK_BYTES, step + SHA1_BYTES, len, step);
	r->hmac(muk, MUK_BYTES, step, SHA1_BYTES + len, key);
}

static void encrypt(const struct rival *r, const uint8_t *encr, const uint8_t *salt,
	uint32_t counter, uint8_t *data, int len)
{
	uint8_t iv[16];

	mikey_iv(iv, salt, r->label.csb_id, counter);
	EVP_EncryptInit_ex(r->cipher, EVP_aes_128_ctr(), NULL, encr, iv);
	EVP_EncryptUpdate(r->cipher, data, &len, data, len);
}

// One message; returns its length.
static size_t message_make(struct rival *r, const uint8_t *muk, uint32_t counter, uint8_t *data)
{
	static const struct mikey_bytes idr = {(const uint8_t *)BTID, sizeof(BTID) - 1};
	uint8_t encr[SHA1_BYTES], salt[SHA1_BYTES], auth[SHA1_BYTES];
	struct mikey_layout layout;

	mikey_template_fill(&r->tpl, idr, data, &layout);
	derive(r, muk, MIKEY_DERIVE_ENCR, encr);
	derive(r, muk, MIKEY_DERIVE_SALT, salt);
	derive(r, muk, MIKEY_DERIVE_AUTH, auth);
	encrypt(r, encr, salt, counter, data + layout.encr.off, layout.encr.len);
	r->hmac(auth, sizeof(auth), data, layout.mac.off, data + layout.mac.off);
	return layout.len;
}

// What is measured has to be right: mskpush's own crypto seals the same.
static bool message_is_right(struct rival *r)
{
	static const struct mikey_bytes idr = {(const uint8_t *)BTID, sizeof(BTID) - 1};
	struct crypto_hmac_state psk;
	struct mikey_layout layout;
	struct crypto *c;
	uint8_t data[256];
	size_t len = message_make(r, r->muks, 1, r->data[0]);

	if (crypto_create(&c) != 0)
		return false;
	mikey_template_fill(&r->tpl, idr, data, &layout);
	crypto_hmac_state_burst(c, r->muks, MUK_BYTES, MUK_BYTES, &psk, 1);
	struct crypto_seal_msg msg = {&psk, data, layout.encr.off, layout.encr.len, layout.mac.off};
	crypto_seal_burst(c, &r->label, 1, &msg, 1);
	crypto_destroy(c);
	return memcmp(data, r->data[0], len) == 0;
}

static int template_init(struct rival *r)
{
	static const uint8_t key[16] = {1, 2, 3}, fqdn[] = "bmsc.home1.net";
	const struct mikey_msk msg = {
		.wants_verification = true,
		.csb_id = r->label.csb_id,
		.id = {.group = 1, .number = 1},
		.counter = 1,
		.rand = {r->label.rand, r->label.rand_len},
		.idi = {fqdn, sizeof(fqdn) - 1},
		.key = key,
		.seq_u = UINT16_MAX,
	};

	return mikey_template_init(&r->tpl, &msg) == MIKEY_OK ? 0 : -EINVAL;
}

static int socket_init(struct rival *r)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	int sink = socket(AF_INET, SOCK_DGRAM, 0);

	r->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (sink < 0 || r->fd < 0 || bind(sink, (struct sockaddr *)&to, len) != 0 ||
		getsockname(sink, (struct sockaddr *)&to, &len) != 0 ||
		connect(r->fd, (struct sockaddr *)&to, len) != 0)
		return -errno;
	return 0;
}

static int rival_init(struct rival *r)
{
	r->label = (struct crypto_label){.csb_id = 0x12345678, .rand_len = 16, .rand = {9, 8, 7}};
	r->cipher = EVP_CIPHER_CTX_new();
	r->muks = malloc((size_t)SUBSCRIBERS * MUK_BYTES);
	if (r->cipher == NULL || r->muks == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)SUBSCRIBERS * MUK_BYTES; i++)
		r->muks[i] = (uint8_t)(i * 2654435761u >> 24);
	return template_init(r) != 0 ? -EINVAL : socket_init(r);
}

static double now_s(void)
{
	struct timespec ts;

	// Time of this thread: others may use the CPU, too.
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void batch_send(struct rival *r, const size_t len[BATCH])
{
	for (int i = 0; i < BATCH; i++) {
		r->iov[i] = (struct iovec){r->data[i], len[i]};
		r->msg[i].msg_hdr = (struct msghdr){.msg_iov = &r->iov[i], .msg_iovlen = 1};
	}
	sendmmsg(r->fd, r->msg, BATCH, 0);
}

static double run(struct rival *r, double seconds)
{
	double begin = now_s(), end = begin;
	size_t n = 0, len[BATCH];

	for (uint32_t counter = 2; end - begin < seconds; end = now_s(), counter++) {
		mikey_template_set_counter(&r->tpl, counter);
		for (int i = 0; i < BATCH; i++, n++)
			len[i] = message_make(
				r, r->muks + n % SUBSCRIBERS * MUK_BYTES, counter, r->data[i]);
		batch_send(r, len);
	}
	return (double)n / (end - begin);
}

int main(int argc, char **argv)
{
	static struct rival r;
	bool is_evp = argc == 4 && strcmp(argv[2], "evp") == 0;
	double seconds = argc == 4 ? strtod(argv[3], NULL) : 0;

	if (argc != 4 || strcmp(argv[1], "--mode") != 0 || !(seconds > 0) ||
		(!is_evp && strcmp(argv[2], "hmac") != 0)) {
		fprintf(stderr, "usage: openssl-push --mode hmac|evp SECONDS\n");
		return 2;
	}
	r.hmac = is_evp ? hmac_reused : hmac_simple;
	if (rival_init(&r) != 0 || hmac_reused_init() != 0 || !message_is_right(&r)) {
		fprintf(stderr, "openssl-push: cannot begin, or computes wrong\n");
		return 1;
	}
	printf("{\"pushes\": %.0f}\n", run(&r, seconds));
	return 0;
}
