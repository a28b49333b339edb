// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The daemon's configuration: one YAML file read into one struct that is const afterwards.
// conf_schema.c holds the table of all keys; docs/man/mskpushd.yaml.5.scd explains them.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_TEXT_MAX 256
#define CONF_WHY_MAX 640
#define CONF_WORKERS_MAX 32
#define CONF_SENDS_MAX 31
#define CONF_EAL_ARGS_MAX 32
#define CONF_NAME_MAX 32
#define CONF_PORTS_MAX 8
#define CONF_ROUTES_MAX 1024
#define CONF_AREAS_MAX 255
#define CONF_ADDRESSES_MAX 64
#define CONF_MACS_MAX 8
#define CONF_TAGS_MAX 2

enum conf_ua_address {
	CONF_UA_ADDRESS_REQUEST,
	CONF_UA_ADDRESS_IMPORTED,
};

enum conf_ua_realms {
	CONF_UA_REALMS_ME,
	CONF_UA_REALMS_UICC,
	CONF_UA_REALMS_BOTH,
};

enum conf_ua_algorithms {
	CONF_UA_ALGORITHMS_MD5,
	CONF_UA_ALGORITHMS_SHA256,
	CONF_UA_ALGORITHMS_BOTH,
	CONF_UA_ALGORITHMS_MD5_SESS,
};

enum conf_poll {
	CONF_POLL_SLEEP,
	CONF_POLL_BUSY,
};

struct conf_mac {
	uint8_t byte[6]; // all zero: none given
};

// An IPv4 address stands in its mapped form (RFC 4291, 2.5.5.2).
struct conf_address {
	uint8_t byte[16];
	uint8_t bits; // of the prefix; 128 when the address stood alone
	uint8_t is_given;
};

struct conf_addresses {
	struct conf_address value[CONF_ADDRESSES_MAX];
	unsigned n;
};

struct conf_macs {
	struct conf_mac value[CONF_MACS_MAX];
	unsigned n;
};

// Numbers are 64 bits wide so that the table can treat them alike.
struct conf_numbers {
	uint64_t value[CONF_WORKERS_MAX];
	unsigned n;
};

struct conf_texts {
	char value[CONF_EAL_ARGS_MAX][CONF_TEXT_MAX];
	unsigned n;
};

// What a campaign gets whose order does not say otherwise.
struct conf_campaign {
	uint64_t sends;
	struct conf_numbers waits_s; // the last one stands for all that are missing
	uint64_t rate;
	uint64_t solicits;
	struct conf_numbers solicit_waits_s; // likewise
};

struct conf_port {
	char name[CONF_NAME_MAX]; // empty: portN
	char device[CONF_TEXT_MAX];
	struct conf_mac mac;
	struct conf_addresses address;
	struct conf_addresses gateway;
	struct conf_macs gateway_mac; // in the order of the gateways
	struct conf_numbers vlan;
	uint64_t dscp;
	uint64_t mtu;
	uint64_t udp_port;
	uint64_t tx_descriptors;
	uint64_t rx_descriptors;
	uint64_t mbufs;
};

struct conf_route {
	struct conf_address to;
	struct conf_address via;
	struct conf_mac mac;
	char port[CONF_NAME_MAX];
	struct conf_address source;
	uint64_t mtu;
};

struct conf_area {
	char name[CONF_NAME_MAX];
	uint64_t rate;
	struct conf_addresses prefixes;
};

struct conf {
	struct {
		char dir[CONF_TEXT_MAX];
		uint64_t map_bytes;
		uint64_t map_max_bytes;
		uint64_t max_subscribers;
		char wrapping_key[CONF_TEXT_MAX]; // a source, see store/writer.h
	} store;
	char socket[CONF_TEXT_MAX]; // empty: see conf_socket_resolve()
	struct {
		char group[CONF_TEXT_MAX]; // empty: the daemon's account alone
		struct conf_texts read; // accounts, and groups as "@name"
		struct conf_texts operate;
		struct conf_texts keys;
		char audit[CONF_TEXT_MAX]; // empty: audit.log in store.dir
		char listen[CONF_TEXT_MAX]; // empty: the socket alone
		char certificate[CONF_TEXT_MAX];
		char private_key[CONF_TEXT_MAX];
		char tokens[CONF_TEXT_MAX];
	} admin;
	struct {
		char listen[CONF_TEXT_MAX]; // empty: there is no console
	} console;
	struct {
		char listen[CONF_TEXT_MAX]; // empty: not over TCP
	} metrics;
	char fqdn[CONF_TEXT_MAX];
	unsigned ports;
	struct conf_port port[CONF_PORTS_MAX];
	unsigned routes;
	struct conf_route route[CONF_ROUTES_MAX];
	unsigned areas;
	struct conf_area area[CONF_AREAS_MAX];
	struct {
		uint64_t count;
		struct conf_numbers cpus; // none: taken from the affinity mask
		uint64_t poll; // enum conf_poll
		uint64_t crypto; // enum crypto_path_id
	} workers;
	struct {
		uint64_t size_mb;
		uint64_t hugepages;
	} memory;
	struct {
		char file_prefix[CONF_TEXT_MAX]; // empty: mskpush-PID
		struct conf_texts args;
	} eal;
	struct conf_campaign campaign;
	struct {
		uint64_t target_percent; // 0: solicited pulls are not governed
		uint64_t p99_ms;
		uint64_t start; // solicited pulls per second
	} governor;
	struct {
		struct conf_texts listen; // none: phones are not served
		char path[CONF_TEXT_MAX];
		uint64_t threads;
		uint64_t connections;
		uint64_t connections_per_address; // 0: no limit
		uint64_t idle_timeout_s;
		uint64_t request_timeout_s;
		uint64_t shed_after_ms; // 0: never
		char certificate[CONF_TEXT_MAX]; // both empty: no TLS
		char private_key[CONF_TEXT_MAX];
		uint64_t address; // enum conf_ua_address
		uint64_t require_gba_token;
		uint64_t realms; // enum conf_ua_realms
		uint64_t algorithms; // enum conf_ua_algorithms
		uint64_t allow_qop_auth;
		uint64_t nonce_life_s;
		uint64_t nonces;
		uint64_t ha1_entries;
		uint64_t wrong_per_btid; // a minute, 0: no limit
		uint64_t wrong_per_address; // likewise
		uint64_t waiting;
		struct conf_texts servers; // announced
		uint64_t wait_time_s; // announced
		uint64_t max_back_off_s; // announced
	} ua;
	struct {
		char url[CONF_TEXT_MAX]; // empty: none
		char ca_file[CONF_TEXT_MAX];
		uint64_t timeout_s;
		uint64_t lookups;
		uint64_t max_key_age_s; // 0: no limit
		struct conf_texts services;
	} key_source;
	struct {
		uint64_t bytes; // 0: none is kept
	} history;
	uint64_t muk_margin_s;
	uint64_t verification_timestamp; // 0: 4 octets, 1: 8
	struct {
		uint64_t level; // enum log_level
		uint64_t target; // enum log_target
	} log;
	uint64_t is_confined;
	char user[CONF_TEXT_MAX]; // empty: who started it
};

enum conf_type {
	CONF_TEXT,
	CONF_COUNT, // 12
	CONF_SIZE, // 512M: octets
	CONF_DURATION, // 30s, 10m: seconds
	CONF_CHOICE,
	CONF_MAC,
	CONF_ADDRESS, // without a prefix
	CONF_PREFIX,
	CONF_COUNTS, // list
	CONF_DURATIONS, // list
	CONF_TEXTS, // list
	CONF_MACS, // list, or one alone
	CONF_TAGS, // list of numbers, or one alone
	CONF_ADDRESSES, // list, or one alone; with or without a prefix
	CONF_HOSTS, // list, or one alone; without
	CONF_PREFIXES, // list, or one alone
};

// One row a key.
struct conf_row {
	const char *key; // "store.map_size"; of an item of a list of mappings: "device"
	enum conf_type type;
	uint32_t offset; // in struct conf, or in the item
	bool is_site_specific; // the default is of no use at a real site: its use is logged
	uint64_t min; // of numbers; of texts: fewest octets
	uint64_t max; // likewise; of lists of addresses: how many
	const char *initial; // in the syntax of the file; lists with commas
	const char *choices; // of CONF_CHOICE: "sleep busy", in the order of the enum
	const char *text;
};
extern const struct conf_row conf_rows[];
extern const size_t conf_rows_count;

// A list of mappings, each with the same keys. Items that the file names begin with the defaults
// of the rows, but nothing site-specific.
struct conf_list {
	const char *key; // "ports"
	const char *single; // a list of one may stand under this key, without the dash; or NULL
	const char *before; // key of the row in front of which it stands
	const struct conf_row *rows;
	size_t rows_count;
	uint32_t offset; // of the items in struct conf
	uint32_t item_bytes;
	uint32_t count_offset; // of their number, an unsigned
	unsigned max;
	unsigned initial; // items there are without being named
	const char *text;
};
extern const struct conf_list conf_lists[];
extern const size_t conf_lists_count;

static inline unsigned *conf_list_count(const struct conf_list *list, struct conf *conf)
{
	return (unsigned *)((char *)conf + list->count_offset);
}
static inline void *conf_list_item(const struct conf_list *list, struct conf *conf, unsigned i)
{
	return (char *)conf + list->offset + (size_t)i * list->item_bytes;
}
// An item at its defaults. is_named: by the file.
void conf_item_init(const struct conf_list *list, void *item, bool is_named);

// All keys at their defaults.
void conf_init(struct conf *conf);
// Reads YAML over what conf holds. -EINVAL: why is "NAME:LINE: key: what is wrong and what is
// allowed", and conf is in an undefined state.
int conf_parse(
	struct conf *conf, const char *name, const char *yaml, size_t len, char why[CONF_WHY_MAX]);
// The same from a file. -errno when it cannot be read.
int conf_load(struct conf *conf, const char *path, char why[CONF_WHY_MAX]);
// Sets one key from text, as a flag does. -EINVAL: why tells.
int conf_set(struct conf *conf, const char *key, const char *value, char why[CONF_WHY_MAX]);
// What no single key can tell: whether the values fit each other.
int conf_check(const struct conf *conf, char why[CONF_WHY_MAX]);
// Whether the console is served over TLS: it is wherever others than this machine get at it.
bool conf_console_is_tls(const struct conf *conf);
// Writes every key with its comment and value, as a file that conf_load() reads back.
void conf_print(const struct conf *conf, FILE *out);
// Fills in the socket's path when the file names none: $MSKPUSH_SOCKET (which also wins over the
// file), $XDG_RUNTIME_DIR/mskpush/admin.sock, /run/mskpush/admin.sock.
int conf_socket_resolve(struct conf *conf, bool is_flag_given, char why[CONF_WHY_MAX]);
// Calls fn for each site-specific key that still has its default.
void conf_defaults_report(const struct conf *conf,
	void (*fn)(void *arg, const char *key, const char *value), void *arg);
// Says what the configuration comes to (conf_explain.c).
void conf_explain(const struct conf *conf, FILE *out);

// --- Values (conf_value.c, conf_value_print.c) ----------------------------------------------

// Reads one value, or one member of a list; base: the struct conf, or the item. why gets what is
// wrong and what is allowed.
int conf_value_read(
	const struct conf_row *row, const char *text, void *base, char why[CONF_WHY_MAX]);
bool conf_type_is_list(enum conf_type type);
bool conf_type_may_stand_alone(enum conf_type type); // a list that one value may stand for
void conf_value_clear(const struct conf_row *row, void *base); // no members, or none given
bool conf_value_is_equal(const struct conf_row *row, const void *a, const void *b);
// As conf_value_read() reads it, with the quotes that YAML needs.
void conf_value_print(const struct conf_row *row, const void *base, FILE *out);
#define CONF_V4_BITS 96u // an IPv4 prefix in its mapped form is longer by this
bool conf_address_is_v4(const struct conf_address *address);
