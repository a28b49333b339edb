// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

const uint8_t ue_mac[6] = {0x02, 0, 0, 0, 0x26, 0x01};
const uint8_t bmsc_mac[6] = {0x02, 0, 0, 0, 0x26, 0x02};

struct mikey_bytes hex(const char *digits)
{
	static uint8_t buffers[32][2048];
	static unsigned next;
	uint8_t *out = buffers[next++ % 32];
	size_t len = strlen(digits) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned value;

		assert_int_equal(sscanf(digits + 2 * i, "%2x", &value), 1);
		out[i] = (uint8_t)value;
	}
	return (struct mikey_bytes){out, (uint16_t)len};
}

struct mikey_bytes vector(const char *name)
{
	static json_t *vectors;

	if (vectors == NULL)
		vectors = json_load_file(getenv("MSKPUSH_VECTORS"), 0, NULL);
	assert_non_null(vectors);
	assert_non_null(json_object_get(vectors, name));
	return hex(json_string_value(json_object_get(vectors, name)));
}

struct ue_now now_at(int64_t us)
{
	return (struct ue_now){(int64_t)NOW_S * 1000000 + us, 1000000 + us};
}

struct ue_site *site_of(const char *rows)
{
	static const struct ue_conf conf = {.fqdn = FQDN,
		.gateway = {{[10] = 0xff, 0xff, 192, 168, 26, 1}},
		.mac = {0x02, 0, 0, 0, 0x26, 0x01},
		.ts_bytes = 4,
		.seed = 1};
	struct ue_site *site;
	char text[4096], why[UE_WHY_BYTES];

	snprintf(text, sizeof(text), HEADER "%s", rows);
	assert_int_equal(ue_site_create(&site, &conf), 0);
	assert_int_equal(ue_csv_load(ue_site_phones(site), text, strlen(text), why), 0);
	return site;
}

struct ue_site *site_of_one(void)
{
	return site_of(IMPI "," BTID "," MUK "," MRK "," EXPIRES "," ADDRESS ",,me,news,\n");
}

int phone_set_up(void **state)
{
	*state = site_of_one();
	return 0;
}

int phone_tear_down(void **state)
{
	ue_site_destroy(*state);
	return 0;
}

struct ue_phone *phone_of(struct ue_site *site, const char *impi)
{
	uint32_t at = ue_phone_find(&site->phones, impi, strlen(impi));

	assert_int_not_equal(at, UE_NONE);
	return &site->phones.phones[at];
}

struct ue_credential *credential_of(struct ue_site *site, const char *btid)
{
	uint32_t at = ue_credential_find(&site->phones, btid, strlen(btid));

	assert_int_not_equal(at, UE_NONE);
	return &site->phones.credentials[at];
}

// RFC 1071 as it is written there, over one piece.
static uint16_t checksum(const uint8_t *data, size_t len, uint32_t start)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(0xffff - sum);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void frame_mend(uint8_t *frame)
{
	uint8_t *ip = frame + 14, pseudo[12] = {0};
	uint8_t *udp = ip + ((ip[0] & 15) < 5 ? 20 : 4 * (ip[0] & 15));
	unsigned len = (unsigned)(udp[4] << 8 | udp[5]);
	uint16_t sum;

	put16(ip + 10, 0);
	put16(ip + 10, checksum(ip, (size_t)(udp - ip), 0));
	put16(udp + 6, 0);
	memcpy(pseudo, ip + 12, 8);
	pseudo[9] = 17;
	put16(pseudo + 10, len);
	sum = checksum(pseudo, sizeof(pseudo), 0);
	sum = checksum(udp, len, 0xffffu - sum);
	put16(udp + 6, sum);
}

struct mikey_bytes frame_to(const char *address, uint16_t port, struct mikey_bytes payload)
{
	static uint8_t frame[2048];
	unsigned to[4];
	uint8_t *ip = frame + 14, *udp = ip + 20;

	assert_int_equal(sscanf(address, "%u.%u.%u.%u", &to[0], &to[1], &to[2], &to[3]), 4);
	memset(frame, 0, sizeof(frame));
	memcpy(frame, ue_mac, 6);
	memcpy(frame + 6, bmsc_mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 28u + payload.len);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, (const uint8_t[]){192, 168, 26, 2}, 4);
	for (int i = 0; i < 4; i++)
		ip[16 + i] = (uint8_t)to[i];
	put16(udp, 2269);
	put16(udp + 2, port);
	put16(udp + 4, 8u + payload.len);
	memcpy(udp + 8, payload.data, payload.len);
	frame_mend(frame);
	return (struct mikey_bytes){frame, (uint16_t)(42 + payload.len)};
}

struct answer site_take(struct ue_site *site, struct mikey_bytes frame)
{
	struct answer answer;
	struct ue_now now = now_at(0);
	// Of exactly its size, so that a sanitizer sees an octet read behind it.
	uint8_t *copy = malloc(frame.len);

	assert_non_null(copy);
	memcpy(copy, frame.data, frame.len);
	answer.len =
		ue_site_receive(site, copy, frame.len, &now, answer.frame, sizeof(answer.frame));
	free(copy);
	return answer;
}

void expect_refusal(struct ue_site *site, struct mikey_bytes message, enum ue_refusal refusal)
{
	uint64_t before = ue_site_refused(site, refusal);
	struct answer answer = site_take(site, frame_to(ADDRESS, 2269, message));

	for (int i = 1; i < UE_REFUSAL_COUNT && ue_site_refused(site, refusal) == before; i++)
		if (ue_site_refused(site, (enum ue_refusal)i) != 0)
			print_message("so far refused: %s\n", ue_refusal_name((enum ue_refusal)i));
	assert_int_equal(ue_site_refused(site, refusal), before + 1);
	assert_int_equal(answer.len, 0);
}

static uint64_t accepted(const struct ue_site *site)
{
	return ue_site_count(site, UE_COUNT_MSK) + ue_site_count(site, UE_COUNT_SOLICIT);
}

struct answer expect_accepted(struct ue_site *site, struct mikey_bytes message)
{
	uint64_t before = accepted(site);
	struct answer answer = site_take(site, frame_to(ADDRESS, 2269, message));

	for (int i = 1; i < UE_REFUSAL_COUNT && accepted(site) == before; i++)
		if (ue_site_refused(site, (enum ue_refusal)i) != 0)
			print_message("so far refused: %s\n", ue_refusal_name((enum ue_refusal)i));
	assert_int_equal(accepted(site), before + 1);
	return answer;
}

struct push push_f(uint32_t counter)
{
	struct push push = {
		.counter = counter,
		.group = 1,
		.number = 1,
		.seq_l = 1,
		.seq_u = 255,
		.csb_id = 0x12345678,
		.key_type = MIKEY_KEY_TEK,
		.wants_verification = true,
		.fqdn = FQDN,
		.btid = BTID,
	};

	for (int i = 0; i < 16; i++) {
		push.key[i] = (uint8_t)(0xa0 + i);
		push.rand[i] = (uint8_t)i;
	}
	memcpy(push.muk, hex(MUK).data, sizeof(push.muk));
	return push;
}

static void hmac(const uint8_t *key, int key_len, const uint8_t *data, size_t len, uint8_t *out)
{
	assert_non_null(HMAC(EVP_sha1(), key, key_len, data, len, out, NULL));
}

// RFC 3830 4.1.2 and 4.1.4 for outputs of up to 20 octets.
static void derive(const struct push *push, uint32_t constant, uint8_t out[20])
{
	uint8_t text[20 + 25], *label = text + 20;

	for (int i = 0; i < 4; i++) {
		label[i] = (uint8_t)(constant >> (24 - 8 * i));
		label[5 + i] = (uint8_t)(push->csb_id >> (24 - 8 * i));
	}
	label[4] = 0xff;
	memcpy(label + 9, push->rand, 16);
	hmac(push->muk, sizeof(push->muk), label, 25, text);
	hmac(push->muk, sizeof(push->muk), text, 45, out);
}

static void encrypt(const struct push *push, uint8_t *data, int len)
{
	uint8_t key[20], iv[20];
	EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();

	derive(push, 0x150533E1u, key);
	derive(push, 0x29B88916u, iv);
	for (int i = 0; i < 4; i++) {
		iv[2 + i] ^= (uint8_t)(push->csb_id >> (24 - 8 * i));
		iv[10 + i] ^= (uint8_t)(push->counter >> (24 - 8 * i));
	}
	iv[14] = 0;
	iv[15] = 0;
	assert_int_equal(EVP_EncryptInit_ex(aes, EVP_aes_128_ctr(), NULL, key, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(aes, data, &len, data, len), 1);
	EVP_CIPHER_CTX_free(aes);
}

// Puts other key data into KEMAC, the last payload, and moves what stands behind it.
static void plain_put(uint8_t *out, struct mikey_layout *layout, struct mikey_bytes plain)
{
	put16(out + layout->encr.off - 2, plain.len);
	memcpy(out + layout->encr.off, plain.data, plain.len);
	layout->encr.len = plain.len;
	layout->mac.off = (uint16_t)(layout->encr.off + plain.len + 1);
	out[layout->mac.off - 1] = MIKEY_MAC_HMAC_SHA1_160;
	layout->len = (uint16_t)(layout->mac.off + MIKEY_MAC_BYTES);
}

struct mikey_bytes push_seal(const struct push *push)
{
	static uint8_t buffers[8][1024];
	static unsigned next;
	uint8_t *out = buffers[next++ % 8], auth[20];
	struct mikey_msk msk = {
		.profile = push->profile,
		.wants_verification = push->wants_verification,
		.csb_id = push->csb_id,
		.id = {.kdi = {0x00, 0xf1, 0x10}, .group = push->group, .number = push->number},
		.counter = push->counter,
		.rand = {push->rand, 16},
		.idi = {(const uint8_t *)push->fqdn, (uint16_t)strlen(push->fqdn)},
		.idr = {(const uint8_t *)push->btid, (uint16_t)strlen(push->btid)},
		.key = push->is_solicit ? NULL : push->key,
		.key_type = push->key_type,
		.seq_l = push->seq_l,
		.seq_u = push->seq_u,
	};
	struct mikey_layout layout;

	assert_int_equal(mikey_msk_build(out, sizeof(buffers[0]), &msk, &layout), MIKEY_OK);
	if (push->plain != NULL)
		plain_put(out, &layout, hex(push->plain));
	if (layout.encr.len > 0)
		encrypt(push, out + layout.encr.off, layout.encr.len);
	derive(push, 0x2D22AC75u, auth);
	hmac(auth, sizeof(auth), out, layout.mac.off, out + layout.mac.off);
	return (struct mikey_bytes){out, layout.len};
}
