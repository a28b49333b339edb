// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ids and records of the store, as its callers see them. Fixed size, host order, no pointers.
// docs/store-format.md says how they lie on disk.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define STORE_FORMAT 2 // of the store as a whole

// RFC 4282 bounds a NAI at 253 octets; IMPI and B-TID are NAIs.
#define STORE_NAI_MAX 253
#define STORE_NAME_MAX 127 // service names
#define STORE_MUK_BYTES 32
#define STORE_MRK_BYTES 32
#define STORE_MSK_BYTES 16
#define STORE_RAND_BYTES 16
#define STORE_KDI_BYTES 3
#define STORE_HMAC_STATE_BYTES 40
#define STORE_SERVICE_GROUPS_MAX 32 // key groups of one service
#define STORE_SET_MAX 64 // services in one set

// Subscribers are numbered densely from 0. An id is not given to another subscriber while an
// open campaign holds it.
typedef uint32_t store_id;
#define STORE_ID_NONE UINT32_MAX

// Secrets have types of their own, so that one sees where they go.
struct store_secret16 {
	uint8_t byte[16];
};
struct store_secret32 {
	uint8_t byte[32];
};
// The HMAC-SHA-1 inner and outer state of a MUK: what the packet path needs of it, ready to use.
// As secret as the MUK.
struct store_muk_state {
	uint32_t inner[5];
	uint32_t outer[5];
};

// Tells one MUK from another, as far as 32 bits do.
static inline uint32_t store_muk_check(const struct store_muk_state *muk)
{
	return muk->inner[0];
}

// IPv6, or IPv4 as ::ffff:a.b.c.d; all zero = no address.
struct store_addr {
	uint8_t byte[16];
};

enum store_subscriber_flag {
	STORE_HAS_MUK = 1 << 0, // B-TID, MUK and expiry are there
	STORE_HAS_MRK = 1 << 1,
	STORE_IN_UICC = 1 << 2, // MSKs are kept in the UICC, else in the ME
	STORE_HAS_PREV = 1 << 3, // a previous B-TID and MUK are kept
	STORE_MUK_VERIFIED = 1 << 4, // a verification under the current MUK has arrived
	STORE_BTID_RAW = 1 << 5, // the B-TID stands in the side table
	STORE_IMPI_RAW = 1 << 6, // the IMPI stands in the side table
	STORE_LIVE = 1 << 7, // clear: the id is free
};

// A set of services, by number: what a subscriber is authorised for, or registered with.
typedef uint32_t store_set; // 24 bits are stored
#define STORE_SET_NONE 0u // the empty set

typedef uint16_t store_service_id;
#define STORE_SERVICE_NONE 0

// What the packet path reads of a subscriber, as it lies in a block (public part).
struct store_hot {
	uint8_t btid[16]; // binary part of the B-TID, unless STORE_BTID_RAW
	struct store_addr addr;
	uint32_t expires; // MUK expiry, Unix seconds, UTC
	uint32_t authorised; // store_set in the low 24 bits, store_subscriber_flag above
	uint32_t registered; // store_set in the low 24 bits, above them zero
	uint16_t btid_suffix; // number of the part behind the '@'
	uint16_t port;
};
_Static_assert(sizeof(struct store_hot) == 48, "the hot record is 48 octets");

static inline store_set store_hot_authorised(const struct store_hot *hot)
{
	return hot->authorised & 0xffffff;
}
static inline store_set store_hot_registered(const struct store_hot *hot)
{
	return hot->registered & 0xffffff;
}
static inline uint8_t store_hot_flags(const struct store_hot *hot)
{
	return (uint8_t)(hot->authorised >> 24);
}

// Subscribers whose hot records lie together in one LMDB value.
#define STORE_BLOCK_SUBSCRIBERS 45

// A block as it lies in the map (little endian, as the machine). Never written through.
struct store_block {
	uint8_t version;
	uint8_t count; // records in use
	uint16_t reserved;
	uint32_t data_key; // at-rest wrapping, 0 = in the clear
	uint8_t nonce[12];
	uint8_t tag[16];
	uint8_t spare[84];
	struct store_hot hot[STORE_BLOCK_SUBSCRIBERS];
	struct store_muk_state muk[STORE_BLOCK_SUBSCRIBERS]; // wrapped when data_key is not 0
};
_Static_assert(sizeof(struct store_block) == 4080, "a block fills one LMDB overflow page");

// A subscriber, whole: what import and `ue show` work with. Wipe it after use.
struct store_subscriber {
	char impi[STORE_NAI_MAX + 1];
	char btid[STORE_NAI_MAX + 1]; // empty: no MUK
	uint8_t flags;
	uint16_t port;
	uint32_t expires;
	store_set authorised;
	store_set registered;
	struct store_addr addr;
	struct store_secret32 muk;
	struct store_muk_state muk_state;
	struct store_secret32 mrk;
};

// The B-TID and MUK a subscriber had before, kept until a verification under the new one.
struct store_prev {
	char btid[STORE_NAI_MAX + 1];
	uint32_t expires;
	struct store_secret32 muk;
	struct store_muk_state muk_state;
};

// Key group: key domain and group number name it.
struct store_group_id {
	uint8_t kdi[STORE_KDI_BYTES];
	uint16_t group;
};

enum store_profile {
	STORE_PROFILE_TS33246,
	STORE_PROFILE_V600,
};

struct store_group {
	struct store_group_id id;
	uint8_t profile; // enum store_profile
	uint16_t last_key_number; // the last one ever given to an MSK; 0 = none yet
	uint32_t created; // Unix seconds
};

enum store_msk_state {
	STORE_MSK_NEXT,
	STORE_MSK_CURRENT,
	STORE_MSK_RETIRED,
};

struct store_msk {
	struct store_group_id group;
	uint16_t number; // Key Number, never 0
	uint8_t state; // enum store_msk_state
	bool is_released; // a campaign has started to distribute it
	uint16_t seq_l;
	uint16_t seq_u;
	uint32_t csb_id;
	uint8_t rand[STORE_RAND_BYTES];
	struct store_secret16 key;
	uint32_t created; // Unix seconds
	uint32_t activated;
};

// What a request for an MSK has to come with, besides the right response (TS 33.246 6.3.2.2.4).
enum store_service_policy {
	STORE_POLICY_ACCEPT, // a MUK that is fresh
	STORE_POLICY_REAUTHENTICATE, // and a nonce that was issued for it
	STORE_POLICY_BOOTSTRAP, // and a MUK that nothing was verified under yet
};

// MTKs that are scheduled or in use under an MSK (TS 33.246 6.3.3).
#define STORE_MTK_BYTES 16
#define STORE_MTK_SALT_BYTES 14
#define STORE_MTKS_MAX 48

enum store_mtk_flag {
	STORE_MTK_SALTED = 1 << 0, // a salt goes with it
	STORE_MTK_DUMMY = 1 << 1, // random, and never used: it only makes the MSK known
};

struct store_mtk {
	uint16_t id; // MTK ID, never 0
	uint8_t flags; // enum store_mtk_flag
	uint64_t send_ms; // sent from here on until to_ms; Unix milliseconds
	uint64_t from_ms; // in use from here on
	uint64_t to_ms;
	struct store_secret16 key;
	uint8_t salt[STORE_MTK_SALT_BYTES];
};

struct store_mtks {
	struct store_group_id group;
	uint16_t number; // Key Number of the MSK
	uint16_t last_id; // the highest MTK ID ever given to one, 0 = none yet
	bool is_barred; // others may have been given out: no MTK goes under this MSK any more
	uint8_t count;
	struct store_mtk mtk[STORE_MTKS_MAX]; // ascending; those that are over are left out
};

// How the MTKs of a key group are sent, and which change of its MSK waits.
#define STORE_BEARER_PLACES_MAX 4

enum store_bearer_flag {
	STORE_BEARER_ON = 1 << 0,
	STORE_BEARER_SALT = 1 << 1, // MTKs have a salt
	STORE_BEARER_NO_RAND = 1 << 2, // what protects them is derived without the MSK's RAND
};

struct store_bearer {
	struct store_group_id group;
	uint8_t flags; // enum store_bearer_flag
	uint8_t places;
	struct store_place {
		struct store_addr addr; // multicast
		uint16_t port;
	} place[STORE_BEARER_PLACES_MAX];
	uint32_t lead_ms; // an MTK is sent first so long before its use
	uint32_t interval_ms; // that each is in use
	uint32_t repeat_ms; // between two messages of one
	uint32_t dummy_ms; // dummies make the next MSK known for so long before it is used
	uint16_t number; // Key Number that new MTKs go under; 0: not chosen yet
	uint16_t switch_to; // the next MSK, once enough phones have it; 0: nothing waits
	uint8_t switch_percent; // that many of 100 are enough
	uint32_t started; // Unix seconds
};

struct store_service {
	store_service_id id;
	uint8_t policy; // enum store_service_policy
	char name[STORE_NAME_MAX + 1]; // the serviceId URI
	uint8_t group_count;
	struct store_group_id group[STORE_SERVICE_GROUPS_MAX];
};

enum store_campaign_kind {
	STORE_CAMPAIGN_PUSH,
	STORE_CAMPAIGN_SOLICIT, // solicited pulls alone
	STORE_CAMPAIGN_AUTO, // pushes, and solicited pulls to those they cannot or did not reach
};

enum store_campaign_state {
	STORE_CAMPAIGN_RUNNING,
	STORE_CAMPAIGN_PAUSED,
	STORE_CAMPAIGN_DONE, // closed: every member verified, refused or given up
	STORE_CAMPAIGN_ABORTED, // closed by the operator
	STORE_CAMPAIGN_SCHEDULED, // begins at start_ms
};

// How a scheduled campaign finds its members when it begins, and what else it does then.
enum store_campaign_flag {
	STORE_CAMPAIGN_PREVIOUS = 1
		<< 0, // the last solicited pull goes under the previous MUK, too
	STORE_CAMPAIGN_NEW_MSK = 1 << 1, // makes the MSK when it begins
	STORE_CAMPAIGN_SELECTED = 1 << 2, // its members were chosen when it was ordered
	STORE_CAMPAIGN_HALTED = 1 << 3, // paused because too few of the first members verified
	STORE_CAMPAIGN_ARMED = 1 << 4, // paused before its first message, which is prepared
	STORE_CAMPAIGN_FIXED = 1 << 5, // nobody joins it when it is fired
	STORE_CAMPAIGN_FRAMES = 1 << 6, // of an armed one: whole frames are built ahead
};

#define STORE_SENDS_MAX 31

struct store_campaign {
	uint32_t id; // from 1, never used again
	uint8_t kind;
	uint8_t state;
	struct store_group_id group;
	uint16_t msk_number;
	uint32_t rate; // UEs per second, 0 = as fast as the port takes
	uint8_t sends; // most messages a member gets
	uint8_t round; // the round that runs, from 1
	uint16_t wait_s[STORE_SENDS_MAX]; // seconds to wait after send i+1
	uint64_t created_ms; // Unix milliseconds
	uint64_t started_ms;
	uint64_t ended_ms;
	uint32_t span; // ids 0 .. span-1 have a member state
	uint32_t members; // these five are a snapshot at the last commit
	uint32_t verified;
	uint32_t given_up;
	uint32_t refused;
	uint64_t pushes; // MSK messages sent
	uint32_t only; // STORE_ID_NONE, or the one subscriber it is for
	uint8_t flags; // enum store_campaign_flag
	// Halts when more of the first members are unverified; 0 = never, or it was judged.
	uint8_t stop_percent;
	uint32_t stop_after; // that many are the first
	uint8_t solicits; // most solicited pulls a member gets
	uint16_t solicit_wait_s[STORE_SENDS_MAX];
	uint32_t solicit_csb_id;
	uint8_t solicit_rand[STORE_RAND_BYTES];
	uint64_t solicits_sent;
	uint64_t start_ms; // when it was to begin, Unix milliseconds; 0 = at once
};

// State of one member in a campaign, one octet each, written in slices of STORE_SLICE.
//   0xff           not a member
//   0x80 | why     refused, why as in dataplane/refusal.def
//   0x40 | sends   verified after that many sends
//   0x20           given up: sent as often as allowed, never verified
//   0x21           given up: the campaign was aborted
//   1 .. 31        sent that many times, no answer yet
//   0              nothing sent yet
#define STORE_MEMBER_NONE 0xff
#define STORE_MEMBER_REFUSED 0x80
#define STORE_MEMBER_VERIFIED 0x40
#define STORE_MEMBER_GIVEN_UP 0x20
#define STORE_MEMBER_ABORTED 0x21
#define STORE_SLICE 4080 // members in one value
