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
#define CONF_WHY_MAX 512
#define CONF_WORKERS_MAX 32
#define CONF_SENDS_MAX 31
#define CONF_EAL_ARGS_MAX 32

enum conf_poll {
	CONF_POLL_SLEEP,
	CONF_POLL_BUSY,
};

struct conf_mac {
	uint8_t byte[6]; // all zero: none given
};

struct conf_ipv4 {
	uint8_t byte[4];
	uint8_t prefix; // 32 when the address stood alone
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
};

struct conf {
	struct {
		char dir[CONF_TEXT_MAX];
		uint64_t map_bytes;
		uint64_t max_subscribers;
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
		char listen[CONF_TEXT_MAX]; // empty: not over TCP
	} metrics;
	char fqdn[CONF_TEXT_MAX];
	struct {
		char device[CONF_TEXT_MAX];
		struct conf_mac mac;
		struct conf_ipv4 address;
		struct conf_ipv4 gateway;
		struct conf_mac gateway_mac;
		uint64_t mtu;
		uint64_t udp_port;
		uint64_t tx_descriptors;
		uint64_t rx_descriptors;
		uint64_t mbufs;
	} port;
	struct {
		uint64_t count;
		struct conf_numbers cpus; // none: taken from the affinity mask
		uint64_t poll; // enum conf_poll
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
	uint64_t muk_margin_s;
	uint64_t verification_timestamp; // 0: 4 octets, 1: 8
	struct {
		uint64_t level; // enum log_level
		uint64_t target; // enum log_target
	} log;
};

enum conf_type {
	CONF_TEXT,
	CONF_COUNT, // 12
	CONF_SIZE, // 512M: octets
	CONF_DURATION, // 30s, 10m: seconds
	CONF_CHOICE,
	CONF_MAC,
	CONF_IPV4,
	CONF_COUNTS, // list
	CONF_DURATIONS, // list
	CONF_TEXTS, // list
};

// One row a key.
struct conf_row {
	const char *key; // "store.map_size"
	enum conf_type type;
	uint16_t offset; // in struct conf
	bool is_site_specific; // the default is of no use at a real site: its use is logged
	uint64_t min; // of numbers; of texts: fewest octets
	uint64_t max; // likewise
	const char *initial; // in the syntax of the file; lists with commas
	const char *choices; // of CONF_CHOICE: "sleep busy", in the order of the enum
	const char *text;
};
extern const struct conf_row conf_rows[];
extern const size_t conf_rows_count;

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

// --- Values (conf_value.c) ------------------------------------------------------------------

// Reads one value, or one member of a list. why gets what is wrong and what is allowed.
int conf_value_read(
	const struct conf_row *row, const char *text, struct conf *conf, char why[CONF_WHY_MAX]);
bool conf_type_is_list(enum conf_type type);
void conf_list_clear(const struct conf_row *row, struct conf *conf);
void conf_value_print(const struct conf_row *row, const struct conf *conf, FILE *out);
// The seconds of "30s", "10m", "2h", "1d". -EINVAL.
int conf_duration_read(const char *text, uint64_t *out);
