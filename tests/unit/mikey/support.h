// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Known answers, and the fields they were made from (tests/vectors/gen).

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mikey.h"

// Every sealed message of the vectors file, for tests that walk over all of them.
extern const char *const message_names[];
extern const size_t message_count;

// Octets of a vector given in hex. Fails the test when there is none of that name.
struct mikey_bytes vector(const char *name);
// A copy in a heap block of exactly its size, so that a sanitizer sees any octet read behind it.
uint8_t *copy_exact(const uint8_t *data, size_t len);
// The verdict on a message, parsed from a copy of exactly its size.
enum mikey_status verdict(const uint8_t *data, size_t len);

// Bytes of a string without its terminator.
struct mikey_bytes text_bytes(const char *text);

#define FQDN "bmsc.home1.net"
#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
extern const uint8_t rand_octets[16];
extern const uint8_t msk_octets[16];

// The fields of vector F (V set, counter 1), and of F6 with MIKEY_PROFILE_V600.
struct mikey_msk msk_fields(enum mikey_profile profile);
// The fields of vector I1, and of I6.
struct mikey_mtk mtk_fields(enum mikey_profile profile);
