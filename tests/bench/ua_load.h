// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The parts of the load program: ua_load_setup.c what is asked of it, ua_load_login.c one user's
// requests, ua_load.c connections and figures.

#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED // MD5_*(): EVP allocates for each hash

#include <openssl/md5.h>
#include <sys/socket.h>

#include "ue/digest.h"
#include "ue/phones.h"
#include "ue/ua_order.h"

#define LOAD_REQUEST_MAX 4096
#define LOAD_NC 8
#define LOAD_HEX 32
#define LOAD_NONCE_MAX 256

enum load_mode {
	LOAD_MSK_REQUEST, // as phones ask: POST, auth-int
	LOAD_GET_DIGEST, // GET, auth: what Apache's mod_auth_digest can do
	LOAD_POST_PLAIN, // the same POST without credentials
};

// What all requests of a run have in common.
struct load_target {
	enum load_mode mode;
	struct ue_url url;
	const char *fqdn; // NULL: any realm will do
	char path[512];
	char body[1024];
	size_t body_len;
	char ha2[LOAD_HEX]; // of the request
	// The last answer's body and its H(:uri:H(body)): servers repeat themselves.
	char answer[UE_RESPONSE_MAX_BYTES];
	size_t answer_len;
	char answer_ha2[LOAD_HEX];
	bool answer_is_good; // all its items are granted
};

// key: what an MSK request asks for.
void load_target_init(struct load_target *target, const struct ue_subject *key);

struct load_user {
	const char *name;
	size_t name_len;
	const uint8_t *mrk; // NULL: password
	const char *password;
};

// A user on a connection: a request that stands ready in memory but for nc and response, so that
// the next one costs three blocks of MD5 and a copy, and its answer's proof as many.
struct load_login {
	char request[LOAD_REQUEST_MAX];
	size_t len;
	size_t nc_at; // holes in the request; 0: no credentials
	size_t response_at;
	uint32_t nc; // of the last request
	MD5_CTX prefix; // over "HA1:nonce:"
	char rest[64]; // ":cnonce:qop:"
	size_t rest_len;
};

// The first request of a user: without credentials.
void load_login_begin(struct load_login *login, const struct load_target *target);
// Takes up a challenge. False when it cannot be answered, or refuses the credentials.
bool load_login_answer(struct load_login *login, const struct load_target *target,
	const struct load_user *user, struct ue_text challenge);
// Writes the next request to out and returns its length.
size_t load_login_next(struct load_login *login, const struct load_target *target, char *out);
// Checks the Authentication-Info of the answer to request number nc. *nextnonce has data NULL when
// there is none.
bool load_login_check(const struct load_login *login, struct load_target *target, uint32_t nc,
	struct ue_text info, struct ue_text body, struct ue_text *nextnonce);
// Goes over to another nonce.
bool load_login_renew(struct load_login *login, const struct load_target *target,
	const struct load_user *user, struct ue_text nonce);

// What the command line says.
struct load_setup {
	struct load_target target;
	struct ue_phones phones; // of the CSV; users point into them
	struct load_user *users;
	uint32_t user_count;
	struct sockaddr_storage server;
	socklen_t server_len;
	unsigned connections;
	unsigned pipeline;
	uint32_t rotate; // requests of a user before the next one's turn; 0: no end
	double seconds;
	const char *csv;
	const char *user;
	const char *password;
};

#define LOAD_PIPELINE_MAX 64

// Reads the command line and what it names; ends the program when that cannot be used.
void load_setup_read(struct load_setup *setup, int argc, char **argv);
