// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Records as they lie on disk, little endian, the version in the first octet. docs/store-format.md
// has the tables. Nothing outside this room sees them.

#pragma once

#include <assert.h>
#include <stddef.h>

#include "db.h"
#include "hash.h"
#include "types.h"
#include "wrap.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records lie in memory order");

#define STORE_MAGIC "mskpush"

// Keys of the table `meta`.
enum meta_key {
	META_FORMAT,
	META_STATE,
	META_MARK,
	META_WRAP, // struct wrap_record, in a store that is wrapped
};

struct format_record {
	char magic[8];
	uint32_t format;
};

enum import_phase {
	IMPORT_NONE,
	IMPORT_ADDING, // what lies above the span belongs to an import that is not published
	IMPORT_APPLYING, // published; the change list waits to be applied
};

#define STATE_VERSION 1
struct state_record {
	uint8_t version;
	uint8_t import; // enum import_phase
	uint8_t is_copy; // a backup, that nobody has used as a store yet
	uint8_t reserved;
	uint32_t span;
	uint32_t live;
	uint32_t suffix_count;
	uint32_t set_count;
	uint32_t last_service;
	uint32_t last_campaign;
	uint32_t changes; // entries in the change list, those applied included
	uint32_t applied;
	uint32_t last_data_key; // the highest one that is stored
	uint64_t dict_version;
	uint64_t hot_version; // moves when a hot block below the span was written
	uint64_t index_version; // moves when a block of an index was written
	struct hash_key hash_key;
	uint32_t mtk_reservations; // times that MTK IDs were given out
	uint8_t spare_end[44];
};
_Static_assert(sizeof(struct state_record) == 128, "the state record is 128 octets");

#define BLOCK_VERSION 1
_Static_assert(offsetof(struct store_block, nonce) == offsetof(struct wrap_seat, nonce) &&
		offsetof(struct store_block, spare) == sizeof(struct wrap_seat),
	"a hot block begins with a wrap_seat");

// Cold blocks: what the packet path does not read. The secrets stand together.
#define COLD_BLOCK_SUBSCRIBERS 54
struct cold_secrets {
	struct store_secret32 muk[COLD_BLOCK_SUBSCRIBERS];
	struct store_secret32 mrk[COLD_BLOCK_SUBSCRIBERS];
};
struct cold_block {
	struct wrap_seat seat;
	uint32_t reserved;
	uint64_t impi[COLD_BLOCK_SUBSCRIBERS]; // nai.h; 0 = free or raw
	uint16_t impi_suffix[COLD_BLOCK_SUBSCRIBERS];
	uint8_t reserved2[4];
	struct cold_secrets secret;
	uint8_t spare[40];
};
_Static_assert(sizeof(struct cold_block) == 4080, "a block fills one LMDB overflow page");

#define PREV_VERSION 1
struct prev_secrets {
	struct store_secret32 muk;
	struct store_muk_state muk_state;
};
struct prev_record {
	struct wrap_seat seat;
	uint32_t expires;
	struct prev_secrets secret;
	uint8_t btid_len;
	char btid[STORE_NAI_MAX]; // btid_len of them are stored
};

// A subscriber in the change list of an import.
#define CHANGE_VERSION 2
struct change_secrets {
	struct store_secret32 muk;
	struct store_muk_state muk_state;
	struct store_secret32 mrk;
};
struct change_record {
	struct wrap_seat seat;
	uint32_t id;
	uint32_t expires;
	uint32_t authorised;
	uint32_t registered;
	uint16_t port;
	uint8_t flags;
	uint8_t btid_len;
	uint8_t impi_len; // 0: he is there already
	uint8_t zero[3];
	struct store_addr addr;
	struct change_secrets secret;
	char text[2 * STORE_NAI_MAX]; // B-TID, then IMPI, as much as there is of them
};

#define SERVICE_VERSION 2
struct group_key {
	uint8_t byte[5]; // KDI, then the group number, both big endian
};
struct service_record {
	struct wrap_seat seat;
	uint16_t name_len;
	uint8_t group_count;
	uint8_t policy;
	struct group_key group[STORE_SERVICE_GROUPS_MAX];
	char name[STORE_NAME_MAX]; // name_len of them are stored
};

#define GROUP_VERSION 2
struct group_record {
	struct wrap_seat seat;
	uint16_t profile;
	uint16_t last_key_number;
	uint32_t created;
};

// Entries of the dictionaries and names without a binary form.
#define TEXT_VERSION 1
struct text_record {
	struct wrap_seat seat;
	uint8_t text[STORE_NAI_MAX + 3]; // as many as there are
};
#define TEXT_MAX (sizeof(struct text_record) - offsetof(struct text_record, text))

#define MSK_VERSION 1
struct msk_key {
	uint8_t byte[7]; // group_key, then the Key Number, big endian
};
struct msk_record {
	struct wrap_seat seat;
	uint8_t state;
	uint8_t is_released;
	uint16_t seq_l;
	uint16_t seq_u;
	uint16_t reserved;
	uint32_t csb_id;
	uint32_t created;
	uint32_t activated;
	uint8_t rand[STORE_RAND_BYTES];
	struct store_secret16 key;
};
_Static_assert(sizeof(struct msk_record) == 88, "an MSK record is 88 octets");

#define CAMPAIGN_VERSION 2
struct campaign_record {
	uint8_t version;
	uint8_t kind;
	uint8_t state;
	uint8_t sends;
	uint8_t round;
	struct group_key group;
	uint16_t msk_number;
	uint32_t rate;
	uint16_t wait_s[STORE_SENDS_MAX];
	uint16_t reserved;
	uint64_t created_ms;
	uint64_t started_ms;
	uint64_t ended_ms;
	uint32_t span;
	uint32_t members;
	uint32_t verified;
	uint32_t given_up;
	uint32_t refused;
	uint32_t only;
	uint64_t pushes;
	uint64_t solicits_sent;
	// Version 1 ends here.
	uint64_t start_ms;
	uint32_t stop_after;
	uint8_t flags;
	uint8_t stop_percent;
	uint8_t solicits;
	uint8_t reserved2;
	uint32_t solicit_csb_id;
	uint8_t solicit_rand[STORE_RAND_BYTES];
	uint16_t solicit_wait_s[STORE_SENDS_MAX];
	uint8_t reserved3[14];
};
#define CAMPAIGN_V1_BYTES 144
_Static_assert(offsetof(struct campaign_record, start_ms) == CAMPAIGN_V1_BYTES &&
		sizeof(struct campaign_record) == 256,
	"a campaign record is 256 octets, as before in its first 144");

#define MTKS_VERSION 1
struct mtk_entry {
	uint16_t id;
	uint8_t flags;
	uint8_t reserved[5];
	uint64_t send_ms;
	uint64_t from_ms;
	uint64_t to_ms;
};
struct mtk_secret {
	struct store_secret16 key;
	uint8_t salt[STORE_MTK_SALT_BYTES];
};
struct mtks_record {
	struct wrap_seat seat; // count: entries in use
	uint16_t last_id;
	uint8_t is_barred;
	uint8_t reserved;
	struct mtk_entry entry[STORE_MTKS_MAX];
	struct mtk_secret secret[STORE_MTKS_MAX];
};
_Static_assert(sizeof(struct mtks_record) == 3016, "the MTKs of an MSK are one record");

#define BEARER_VERSION 1
struct bearer_place {
	struct store_addr addr;
	uint16_t port;
};
struct bearer_record {
	struct wrap_seat seat; // count: places
	uint8_t flags;
	uint8_t switch_percent;
	uint16_t number;
	uint16_t switch_to;
	uint16_t reserved;
	uint32_t lead_ms;
	uint32_t interval_ms;
	uint32_t repeat_ms;
	uint32_t dummy_ms;
	uint32_t started;
	struct bearer_place place[STORE_BEARER_PLACES_MAX];
	uint8_t spare[64];
};
_Static_assert(sizeof(struct bearer_record) == 200, "a bearer is 200 octets");

struct group_key group_key_of(const struct store_group_id *id);
struct store_group_id group_id_of(const struct group_key *key);
struct msk_key msk_key_of(const struct store_group_id *group, uint16_t number);

// All of them work on records in the clear, as wrap.h takes and gives them. Encoders return the
// length of the record. Decoders return -EPROTO for a version they do not know, -EIO for a record
// that is not well formed.
// Copies a record out of the map, where it may stand unaligned. Its first octet is its version,
// whatever else it holds; `least` octets of it are fixed.
int record_take(struct blob in, uint8_t version, size_t least, void *out, size_t size);
size_t record_encode_prev(const struct store_prev *in, struct prev_record *out);
int record_decode_prev(struct blob in, struct store_prev *out);
// With an IMPI it is somebody new.
size_t record_encode_change(
	store_id id, const struct store_subscriber *in, struct change_record *out);
int record_decode_change(struct blob in, store_id *id, struct store_subscriber *out);
size_t record_encode_service(const struct store_service *in, struct service_record *out);
int record_decode_service(struct blob in, store_service_id id, struct store_service *out);
size_t record_encode_group(const struct store_group *in, struct group_record *out);
int record_decode_group(struct blob in, const struct group_key *key, struct store_group *out);
size_t record_encode_msk(const struct store_msk *in, struct msk_record *out);
int record_decode_msk(struct blob in, const struct msk_key *key, struct store_msk *out);
// record_mtk.c
size_t record_encode_mtks(const struct store_mtks *in, struct mtks_record *out);
int record_decode_mtks(struct blob in, const struct msk_key *key, struct store_mtks *out);
size_t record_encode_bearer(const struct store_bearer *in, struct bearer_record *out);
int record_decode_bearer(struct blob in, const struct group_key *key, struct store_bearer *out);
size_t record_encode_campaign(const struct store_campaign *in, struct campaign_record *out);
int record_decode_campaign(struct blob in, uint32_t id, struct store_campaign *out);
// len at most TEXT_MAX.
size_t record_encode_text(const void *text, size_t len, struct text_record *out);
// *text points into the record. Looks at its version; whether it is what was sealed, wrap.h tells.
int record_decode_text(struct blob in, struct blob *text);
