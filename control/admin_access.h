// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who may do what on the admin API. A caller comes over the socket, where the kernel says which
// account it is, or over TLS, where a token says which name. The configuration gives accounts
// roles, a file gives tokens theirs; both are read again on SIGHUP. Root and the daemon's own
// account have every role.

#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "conf.h"

enum admin_role {
	ADMIN_METRICS = 1, // /metrics; whoever has another role has this one
	ADMIN_READ = 2, // to look; whoever has one of the next has this one
	ADMIN_OPERATE = 4, // campaigns, captures, the daemon itself
	ADMIN_KEYS = 8, // subscribers, services, key groups, MSKs
};
#define ADMIN_ALL (ADMIN_METRICS | ADMIN_READ | ADMIN_OPERATE | ADMIN_KEYS)
#define ADMIN_ROLES_TEXT 40
const char *admin_role_name(enum admin_role role);
// "metrics read operate", "no role".
void admin_roles_text(unsigned roles, char out[ADMIN_ROLES_TEXT]);
// The roles in "read,keys". -EINVAL: one of them is none.
int admin_roles_parse(const char *text, unsigned *out);

// Which door a caller comes by.
enum admin_via {
	ADMIN_BY_SOCKET, // accounts of this machine
	ADMIN_BY_TLS, // names with a token
	ADMIN_BY_CONSOLE, // the same, and whoever loads the page
	ADMIN_BY_METRICS, // anybody, for /metrics alone
	ADMIN_VIAS,
};

#define ADMIN_NAME_MAX 64
// Who calls.
struct admin_peer {
	enum admin_via via; // other than the socket: uid and pid mean nothing
	uint32_t uid; // of an account
	int32_t pid;
	char name[ADMIN_NAME_MAX]; // of the account or the token; empty: not known
	unsigned roles; // enum admin_role
};

struct admin_access;

// Accounts and groups are looked up here. -EINVAL, or -errno of the file of tokens: why tells.
int admin_access_create(const struct conf *conf, struct admin_access **out, char why[256]);
void admin_access_destroy(struct admin_access *access);
// Takes over what a new configuration and the file say; on error nothing changes. Any thread.
int admin_access_reload(struct admin_access *access, const struct conf *conf, char why[256]);

// Who stands at the other end of a connected socket. Any thread, as the next one.
void admin_access_socket(struct admin_access *access, int fd, struct admin_peer *out);
// Who sent an Authorization header (NULL: none). No roles when nobody we know. out->via is the
// caller's to set.
void admin_access_token(
	struct admin_access *access, const char *authorization, struct admin_peer *out);

// The group that may use the socket, -1: the daemon's account alone.
gid_t admin_access_group(const struct admin_access *access);
