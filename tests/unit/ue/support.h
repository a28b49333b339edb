// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A site with the phone of the known answers, and a BM-SC made of OpenSSL's high-level functions:
// nothing here shares code with what it tests, except the layout of MIKEY messages.

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ue/command.h"
#include "ue/csv.h"
#include "ue/site.h"

#define FQDN "bmsc.home1.net"
#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define MUK "f16197fcabf87299f60458efcf92cf1a9a4beb1429c111137258e2648a71a8bd"
#define MRK "a643d91d57482b6c414e735d4110c13ccb720a3380de5a99a092c6b974fd38cc"
#define HEADER "impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n"
#define NOW_S 1800000000 // the present, in Unix seconds
#define EXPIRES "1800003600"
#define ADDRESS "10.0.0.7"

// Octets of a known answer given in hex; fails the test when there is none of that name.
struct mikey_bytes vector(const char *name);
struct mikey_bytes hex(const char *digits);

struct ue_now now_at(int64_t us); // NOW_S, and us after it
extern const uint8_t ue_mac[6];
extern const uint8_t bmsc_mac[6];

// A site whose phones are the rows of a CSV behind HEADER.
struct ue_site *site_of(const char *rows);
// A site with one phone: IMPI, BTID, MUK, good until EXPIRES, at ADDRESS.
struct ue_site *site_of_one(void);
// The same for a test as a whole: *state is the site.
int phone_set_up(void **state);
int phone_tear_down(void **state);
#define WITH_PHONE(test) cmocka_unit_test_setup_teardown(test, phone_set_up, phone_tear_down)
struct ue_phone *phone_of(struct ue_site *site, const char *impi);
struct ue_credential *credential_of(struct ue_site *site, const char *btid);

// An Ethernet frame that brings a datagram from 192.168.26.2:2269 to a phone. Static memory.
struct mikey_bytes frame_to(const char *address, uint16_t port, struct mikey_bytes payload);
// Puts right checksums into a frame that was changed.
void frame_mend(uint8_t *frame);

// What came back.
struct answer {
	size_t len; // of the frame, 0 for none
	uint8_t frame[UE_FRAME_MAX_BYTES];
};
struct answer site_take(struct ue_site *site, struct mikey_bytes frame);
// The same for a MIKEY message to the phone at ADDRESS, which has to be refused or accepted.
void expect_refusal(struct ue_site *site, struct mikey_bytes message, enum ue_refusal refusal);
struct answer expect_accepted(struct ue_site *site, struct mikey_bytes message);

// What the BM-SC sends: vector F, with changes. key NULL makes a solicited pull.
struct push {
	enum mikey_profile profile;
	uint32_t counter;
	uint16_t group;
	uint16_t number;
	uint16_t seq_l;
	uint16_t seq_u;
	uint32_t csb_id;
	uint8_t key[MIKEY_MSK_BYTES];
	uint8_t rand[MIKEY_RAND_BYTES];
	uint8_t muk[UE_KEY_BYTES];
	uint8_t key_type;
	bool is_solicit;
	const char *plain; // in hex: key data to send instead of the key's
	bool wants_verification;
	const char *fqdn;
	const char *btid;
};
struct push push_f(uint32_t counter);
// The sealed message. Static memory, eight messages deep.
struct mikey_bytes push_seal(const struct push *push);
