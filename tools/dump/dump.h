// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The parts of mikey-dump: where messages come from, opening them, showing them.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mikey.h"

// One message, and where it was found.
struct message {
	unsigned number;
	const uint8_t *data;
	size_t len;
	const char *when; // NULL: not from a capture
	const char *path; // "10.0.0.1:2269 > 10.0.0.2:2269"
};
typedef void (*message_fn)(void *arg, const struct message *message);

// hex.c

// Octets of hex digits, with spaces and colons between them ignored. NULL when the text is none;
// the caller frees.
uint8_t *hex_read(const char *text, size_t *len);
// Hex digits of octets; the caller frees.
char *hex_write(const uint8_t *data, size_t len);
// One message on each line that is not empty and does not begin with '#'. Returns 0, or the
// number of the line that is not hex.
unsigned hex_read_lines(message_fn found, void *arg);

// pcap.c

// Finds the datagrams to or from a UDP port. False when the file cannot be read; `why` tells.
bool capture_read(const char *path, uint16_t port, message_fn found, void *arg, char why[512]);

// unseal.c

struct unseal_keys {
	uint8_t *psk; // MUK or MSK, secret. NULL: nothing is checked
	size_t psk_len;
	uint8_t *rand; // of the MSK message, for messages that carry none
	size_t rand_len;
	uint8_t *idi; // of the MSK message, for verifications
	size_t idi_len;
};

enum unseal_verdict {
	UNSEAL_NOT_TRIED, // no key given, or the message has no MAC of ours
	UNSEAL_NEEDS_IDI, // a verification, and no IDi given
	UNSEAL_BAD_MAC, // the MAC does not hold
	UNSEAL_GOOD_MAC,
	UNSEAL_GOOD_MAC_TS64, // a verification over a timestamp padded to 8 octets
};

struct unsealed {
	enum unseal_verdict verdict;
	uint8_t *plain; // decrypted key data, secret; NULL when there is none
	size_t plain_len;
};

void unseal(const struct mikey_view *view, const uint8_t *data, const struct unseal_keys *keys,
	struct unsealed *out);
void unsealed_wipe(struct unsealed *u);
const char *unseal_verdict_text(enum unseal_verdict verdict);

// json.c

// Prints a message as one JSON object on a line of its own.
void json_print(const struct message *message, enum mikey_status status,
	const struct mikey_view *view, const struct unsealed *u);
