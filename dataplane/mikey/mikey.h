// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MIKEY (RFC 3830) as a BM-SC and a UE speak it for MBMS (RFC 4563, TS 33.246): bytes to
// structs and back. Nothing here encrypts, authenticates, allocates, logs or asks for the time.
// Messages are laid out first and sealed later: builders write plaintext and leave holes, and
// `struct mikey_layout` says where the cipher and the MAC have to go.
//
// All functions are pure and may be called from any thread. Integers in structs are in host
// order. `struct mikey_bytes` never owns what it points to.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "constants.h"

// One verdict per way a message can be wrong; the texts are in status.def.
enum mikey_status {
#define MIKEY_STATUS(id, name, text) MIKEY_##id,
#include "status.def"
#undef MIKEY_STATUS
	MIKEY_STATUS_COUNT
};

// Kebab-case name ("kemac-truncated"), as in counters and metrics; "unknown" when out of range.
const char *mikey_status_name(enum mikey_status status);
// One sentence for people.
const char *mikey_status_text(enum mikey_status status);

// Which encoding a key group uses, fixed when the group is created (docs/mikey-profile.md 6).
enum mikey_profile {
	MIKEY_PROFILE_TS33246, // final encoding: domain and 4-octet MSK ID in EXT, FQDN in IDi
	MIKEY_PROFILE_V600, // v6.0.0: domain in IDi, group in CSB ID, 2-octet MSK ID in EXT
};

struct mikey_bytes {
	const uint8_t *data;
	uint16_t len;
};

// A range of octets inside a message.
struct mikey_span {
	uint16_t off;
	uint16_t len;
};

// What is left to do to a built message: encrypt `encr` in place (empty for a solicited pull and
// for verifications), then put the MAC at `mac`. The MAC covers octets 0 .. mac.off-1
// (RFC 3830 5.2); of a verification it covers mikey_verification_tail() as well.
struct mikey_layout {
	uint16_t len; // of the whole message, MAC included
	struct mikey_span encr;
	struct mikey_span mac;
};

// SRTP-ID map entry (RFC 3830 6.1.1).
struct mikey_cs {
	uint8_t policy;
	uint32_t ssrc;
	uint32_t roc;
};

#define MIKEY_CS_MAX 16
#define MIKEY_SP_PARAM_MAX 24

// One TLV of a security policy (RFC 3830 6.10.1).
struct mikey_sp_param {
	uint8_t type;
	uint8_t len;
	uint8_t value[4]; // builders take 1..4 octets, parsers keep the first 4
};

struct mikey_policy {
	uint8_t policy;
	uint8_t prot_type;
	uint8_t param_count;
	struct mikey_sp_param param[MIKEY_SP_PARAM_MAX];
};

// Which MSK, and which MTK where has_mtk_id, a message is about.
struct mikey_key_id {
	uint8_t kdi[MIKEY_KDI_BYTES]; // Key Domain ID; in v600 it travels in IDi
	uint16_t group; // Key Group part; in v600 it travels in CSB ID
	uint16_t number; // Key Number part; 0 = current MSK, marks a solicited pull
	bool has_mtk_id;
	uint8_t mtk_id_bytes; // width on the wire: 2, or 4 as in CMMB
	uint32_t mtk_id;
};

// Plain key data sub-payload of KEMAC (RFC 3830 6.13). Secret.
struct mikey_key_data {
	uint8_t type; // MIKEY_KEY_*
	uint8_t kv; // MIKEY_KV_*
	struct mikey_bytes key;
	struct mikey_bytes salt; // empty unless the type says so
	struct mikey_bytes spi; // kv SPI
	struct mikey_bytes valid_from; // kv INTERVAL: SEQl, two octets in TS 33.246
	struct mikey_bytes valid_to; // kv INTERVAL: SEQu
};

// An MSK message, or a solicited pull when `key` is NULL (then id.number has to be 0, V is sent
// as given: the BM-SC clears it).
struct mikey_msk {
	enum mikey_profile profile;
	bool wants_verification; // V
	uint32_t csb_id; // v600: mikey_v600_csb_id(group)
	struct mikey_key_id id;
	uint32_t counter; // T
	struct mikey_bytes rand;
	struct mikey_bytes idi; // ts33246: BM-SC FQDN. v600: ignored, the domain is sent
	struct mikey_bytes idr; // B-TID
	uint8_t cs_count; // 0: empty map, no SP (RFC 4563)
	struct mikey_cs cs[MIKEY_CS_MAX];
	const struct mikey_policy *policy; // NULL: no SP. Needs cs_count > 0
	const uint8_t *key; // MIKEY_MSK_BYTES octets, secret; NULL: solicited pull
	uint8_t key_type; // MIKEY_KEY_TEK or MIKEY_KEY_TGK
	uint16_t seq_l;
	uint16_t seq_u;
};

// CSB ID that carries a v600 key group: the low-order half, one place to change.
uint32_t mikey_v600_csb_id(uint16_t group);

// Octets an MSK message (or solicited pull) will take; 0 when it cannot be built at all.
size_t mikey_msk_bytes(const struct mikey_msk *msg);

// Writes the whole message into buf, key data in the clear at layout->encr, MAC octets zero.
// MIKEY_NO_ROOM when it does not fit into cap; MIKEY_BAD_FIELD when a field cannot be encoded
// (cs_count too large, policy without map, IDr empty or over 65,535, kept Key Number rule, ...).
enum mikey_status mikey_msk_build(
	uint8_t *buf, size_t cap, const struct mikey_msk *msg, struct mikey_layout *layout);

// The parts of an MSK message that all phones of a campaign share, laid out once: everything
// before IDr, and everything after it. Holds the MSK in the clear: wipe it after use.
struct mikey_template {
	uint16_t head_len; // HDR .. IDi, then the IDr header without its length
	uint16_t tail_len; // SP, KEMAC with key data in the clear, MAC alg, 20 zero octets
	uint16_t counter_off; // of the four T octets in head
	uint16_t encr_off; // of the key data in tail
	uint16_t encr_len;
	uint8_t head[704];
	uint8_t tail[320];
};

// Lays out msg without its IDr (msg->idr is not looked at). Same errors as mikey_msk_build().
enum mikey_status mikey_template_init(struct mikey_template *tpl, const struct mikey_msk *msg);
// Puts a counter into the head; holds for all messages filled afterwards.
void mikey_template_set_counter(struct mikey_template *tpl, uint32_t counter);
// Octets a message of this template takes with an IDr of idr_len octets.
static inline size_t mikey_template_bytes(const struct mikey_template *tpl, size_t idr_len)
{
	return (size_t)tpl->head_len + idr_len + tpl->tail_len;
}
// Writes one phone's message: head, IDr, tail. buf needs mikey_template_bytes() octets, at most
// 65,535. idr is not empty.
void mikey_template_fill(const struct mikey_template *tpl, struct mikey_bytes idr, uint8_t *buf,
	struct mikey_layout *layout);

// MSK verification message (RFC 3830 3.1), UE to BM-SC.
struct mikey_verification {
	uint32_t csb_id;
	uint8_t cs_count; // as in the MSK message
	struct mikey_cs cs[MIKEY_CS_MAX];
	uint32_t counter;
	struct mikey_bytes idr;
};

// Writes the message with the 20 octets of Ver data zero.
enum mikey_status mikey_verification_build(uint8_t *buf, size_t cap,
	const struct mikey_verification *msg, struct mikey_layout *layout);

// What the MAC of a verification covers behind the message itself: Identity_i, Identity_r and
// the timestamp (RFC 3830 5.2). With ts_bytes 4 (default reading) the counter stands
// as transported, with 8 it is padded with zeros on the left. Returns the octets written, 0 when
// cap is too small.
size_t mikey_verification_tail(uint8_t *buf, size_t cap, struct mikey_bytes idi,
	struct mikey_bytes idr, uint32_t counter, unsigned ts_bytes);

// MTK message (TS 33.246), BM-SC to all UEs.
struct mikey_mtk {
	enum mikey_profile profile;
	uint32_t csb_id; // of the MSK
	struct mikey_key_id id;
	uint32_t counter;
	const uint8_t *key; // MIKEY_MTK_BYTES octets, secret
	struct mikey_bytes salt; // empty, or up to MIKEY_SALT_MAX_BYTES: Type TEK+SALT
};

enum mikey_status mikey_mtk_build(
	uint8_t *buf, size_t cap, const struct mikey_mtk *msg, struct mikey_layout *layout);

// A parsed message: pointers into the parsed octets, which must outlive it.
struct mikey_view {
	uint16_t len; // of the message; equals the octets given to mikey_parse()
	uint8_t data_type;
	bool wants_verification;
	uint32_t csb_id;
	uint8_t cs_count;
	uint8_t map_type;
	struct mikey_bytes cs_map; // 9 octets an entry for the SRTP-ID map, else empty

	bool has_key_id; // an EXT of type 3 was there
	bool has_kdi;
	bool has_msk_id;
	uint8_t msk_id_bytes; // 2 in v600, 4 in the final encoding
	struct mikey_key_id id; // v600: group is taken from CSB ID, kdi from a 3-octet IDi

	bool has_t;
	uint8_t ts_type;
	struct mikey_bytes ts; // as transported
	uint32_t counter; // when ts_type is MIKEY_TS_COUNTER

	bool has_rand;
	struct mikey_bytes rand;
	uint8_t identity_count;
	uint8_t identity_type[2];
	struct mikey_bytes identity[2]; // initiator message: IDi, IDr. Verification: IDr first

	bool has_kemac;
	uint8_t encr_alg;
	struct mikey_bytes encr;
	uint8_t mac_alg;
	bool has_v;
	struct mikey_span mac; // of KEMAC or of V; empty for NULL algorithms
	bool has_err;
	uint8_t error_no;

	uint16_t policy_count; // SP payloads seen; the first is kept
	struct mikey_policy policy; // last: parsing clears nothing behind param_count
};

// Parses one whole datagram; the view means nothing unless the verdict is OK. Octets behind the
// last payload are refused (TRAILING). Unknown payload types are refused, unknown Key ID and
// extension types are skipped. Never reads outside data[0..len).
enum mikey_status mikey_parse(const uint8_t *data, size_t len, struct mikey_view *view);

// Which message a view is. Checks that exactly the payloads of that message are there.
enum mikey_kind {
	MIKEY_KIND_OTHER, // well-formed MIKEY, but none of ours
	MIKEY_KIND_MSK,
	MIKEY_KIND_SOLICIT, // Key Number 0 and no encrypted data
	MIKEY_KIND_VERIFICATION,
	MIKEY_KIND_MTK,
	MIKEY_KIND_ERROR,
};
enum mikey_kind mikey_view_kind(const struct mikey_view *view);
const char *mikey_kind_name(enum mikey_kind kind);

// Parses decrypted key data: exactly one sub-payload (a second one is refused: KEY_DATA_MORE).
enum mikey_status mikey_key_data_parse(
	const uint8_t *data, size_t len, struct mikey_key_data *key_data);

// Derivation inputs (RFC 3830 4.1.4): constant || 0xFF || CSB ID || RAND. buf needs
// MIKEY_LABEL_MAX_BYTES; returns the octets written. rand.len at most 255.
size_t mikey_label(uint8_t *buf, uint32_t constant, uint32_t csb_id, struct mikey_bytes rand);
// AES-CM IV (RFC 3830 4.2.3): (salt XOR (0x0000 || CSB ID || T)) || 0x0000, T padded to 8.
void mikey_iv(uint8_t iv[16], const uint8_t salt[MIKEY_SALT_KEY_BYTES], uint32_t csb_id,
	uint32_t counter);

// Key Domain ID from MCC and MNC in the coding of a PLMN identity (TS 24.008) and back.
// Takes "001-01" or "001-001"; returns false when it is anything else.
bool mikey_kdi_from_text(uint8_t kdi[MIKEY_KDI_BYTES], const char *mcc_mnc);
// Writes "MCC-MNC" (at most 8 octets with the terminator); digits that are none become '?'.
void mikey_kdi_to_text(char text[8], const uint8_t kdi[MIKEY_KDI_BYTES]);

// Prints a message for people, one payload a line, through put(arg, line). Keys are shown as
// they stand in the message, so only hand it ciphertext or test messages.
void mikey_dump(
	const uint8_t *data, size_t len, void (*put)(void *arg, const char *line), void *arg);
