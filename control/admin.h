// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The operator's side: requests, replies and handlers of the admin socket, free of HTTP.
// docs/admin-api.md is the contract with the outside.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "admin_access.h"
#include "ctl.h"

#define ADMIN_ARGS_MAX 4
#define ADMIN_BODY_MAX (32 << 20) // of JSON bodies: lists of subscribers are long

struct admin_query; // the connection, as admin_http.c sees it

struct admin_request {
	struct ctl *ctl;
	const struct admin_peer *peer; // who calls. Borrowed
	const char *arg[ADMIN_ARGS_MAX]; // what stood at the wildcards of the path, decoded
	unsigned args;
	json_t *body; // a JSON object, NULL when there was no body. Borrowed
	const struct admin_query *query;
	// Value of a query parameter, decoded; NULL when absent. Borrowed, as long as the request.
	const char *(*query_get)(const struct admin_query *query, const char *name);
};

struct admin_reply {
	unsigned status; // 200 when the handler sets nothing
	json_t *body; // owned by the reply; NULL is sent as {}
	char *text; // instead of a body, with content_type; owned by the reply, from malloc()
	// Instead of both: octets to be read from fd until it ends (owned by the reply, -1 =
	// none). done is called once, when the client has gone or fd has ended.
	int fd;
	const char *content_type;
	void (*done)(struct ctl *ctl);
};

// Query parameter as a number up to max. 1: *out is set, 0: absent, -EINVAL: the reply
// holds an error.
int admin_query_u64(const struct admin_request *req, struct admin_reply *reply, const char *name,
	uint64_t max, uint64_t *out);
// Query parameter 0 or 1 (absent = false). -EINVAL: the reply holds an error.
int admin_query_bool(
	const struct admin_request *req, struct admin_reply *reply, const char *name, bool *out);

// Refuses members of the body that are not in names (NULL ends). -EINVAL: the reply holds an
// error. A body that is absent is right.
int admin_body_check(
	const struct admin_request *req, struct admin_reply *reply, const char *const *names);
// Member of the body as a number up to max; as admin_query_u64().
int admin_body_u64(const struct admin_request *req, struct admin_reply *reply, const char *name,
	uint64_t max, uint64_t *out);
// Member of the body, true or false; without one *out stays. -EINVAL: the reply holds an error.
int admin_body_bool(
	const struct admin_request *req, struct admin_reply *reply, const char *name, bool *out);

// Whether the caller has a role. -EACCES: the reply holds the error.
int admin_role_check(
	const struct admin_request *req, struct admin_reply *reply, enum admin_role role);

// Makes the reply an error: {"error": word, "message": sentence}.
void admin_error(struct admin_reply *reply, unsigned status, const char *word, const char *format,
	...) __attribute__((format(printf, 4, 5)));
// Makes the reply the error that fits a -errno of the store or the writer; what: "subscriber".
void admin_error_store(struct admin_reply *reply, int err, const char *what);
// The reply to a text that names no key group.
void admin_error_group(struct admin_reply *reply);

// ctl_reader_get(); other than 0: the reply holds the error.
int admin_reader_get(
	const struct admin_request *req, struct admin_reply *reply, struct store_reader **out);
// ctl_writer_run() for changes of services and key groups: tells the workers.
int admin_dict_change(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg);

typedef void admin_handler(const struct admin_request *req, struct admin_reply *reply);

// A call with a body of any size, handed on as it arrives. All four run in the connection's
// thread, one after the other.
struct admin_stream {
	// NULL: refused, the reply says why, and nothing else is called. Keeps of req only ctl and
	// what it copies.
	void *(*begin)(const struct admin_request *req, struct admin_reply *reply);
	// 0: go on. Other: the rest of the body is read and dropped, end follows.
	int (*data)(void *state, const void *bytes, size_t len);
	// The body is complete: answers and frees the state.
	void (*end)(void *state, struct admin_reply *reply);
	// The client went away before the end: undoes and frees the state.
	void (*cancel)(void *state);
};

// --- Text in JSON (admin_json.c) ------------------------------------------------------------

// "001-01/0001" <-> group id. -EINVAL when the text is not one.
#define ADMIN_GROUP_TEXT 16
int admin_group_parse(const char *domain, const char *number, struct store_group_id *out);
int admin_group_text_parse(const char *text, struct store_group_id *out);
void admin_group_text(const struct store_group_id *id, char out[ADMIN_GROUP_TEXT]);
json_t *admin_group_json(const struct store_group_id *id);
// The group that the first two wildcards of the path name. -EINVAL: the reply holds an error.
int admin_group_arg(
	const struct admin_request *req, struct admin_reply *reply, struct store_group_id *out);
// Four hex digits. -EINVAL.
int admin_hex16_parse(const char *text, uint16_t *out);
// RFC 3339 in UTC; null for 0.
json_t *admin_time_s(uint64_t unix_s);
json_t *admin_time_ms(uint64_t unix_ms);
json_t *admin_hex(const uint8_t *bytes, size_t n); // at most 64 octets
json_t *admin_hex_u32(uint32_t value, int digits);

// --- Ua in other answers (admin_ua.c) --------------------------------------------------------

struct ua;
json_t *admin_ua_status(const struct ua *ua);
json_t *admin_ua_stats(const struct ua *ua);
json_t *admin_governor_json(struct ctl *ctl);
// Last request and last single push of a subscriber, added to what is told of it.
void admin_ua_notes_add(json_t *subscriber, struct ctl *ctl, store_id id);

// --- Handlers -------------------------------------------------------------------------------

// admin_api.c
admin_handler admin_api;
// admin_metrics.c
admin_handler admin_metrics;
// admin_status.c
admin_handler admin_status, admin_stats, admin_stats_stages, admin_shutdown;
// admin_store.c
admin_handler admin_key_show, admin_key_rotate, admin_backup;
json_t *admin_wrapping_json(struct ctl *ctl, const struct store_reader *r);
// admin_services.c
admin_handler admin_services_list, admin_service_put, admin_service_remove;
// admin_announce.c
admin_handler admin_service_announce;
// admin_groups.c
admin_handler admin_groups_list, admin_group_put, admin_group_remove;
// admin_msks.c
admin_handler admin_msks_list, admin_msk_new, admin_msk_activate, admin_msk_revoke;
// admin_mtk.c
admin_handler admin_mtk_start, admin_mtk_stop, admin_mtks_list, admin_mtk_schedule,
	admin_mtk_events;
// admin_campaigns.c
admin_handler admin_campaigns_list, admin_campaign_start, admin_campaign_show, admin_campaign_pause,
	admin_campaign_resume, admin_campaign_fire, admin_campaign_abort, admin_campaign_change;
// admin_areas.c
admin_handler admin_campaign_areas;
// admin_network.c
admin_handler admin_area_change;
// admin_undelivered.c
admin_handler admin_campaign_undelivered;
// admin_capture.c
admin_handler admin_capture;
// admin_subscribers.c
admin_handler admin_subscribers_list, admin_subscriber_show, admin_subscriber_remove;
// Finds the subscriber that the path names, in a reader to be given back. Other than 0: the reply
// holds the error.
int admin_subscriber_open(const struct admin_request *req, struct admin_reply *reply,
	struct store_reader **r, store_id *id);
// admin_trace.c
admin_handler admin_subscriber_trace;
// admin_provision.c
admin_handler admin_subscriber_put;
// import_admin.c
extern const struct admin_stream admin_import;
