// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A call from its header to its answer.

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ua_names.h"
#include "ua_server.h"

#define RETRY_AFTER_S 2 // for who was not turned away because of too many

bool ua_call_end(struct ua_call *call, enum ua_result result)
{
	call->result = result;
	call->state = UA_STATE_END;
	return true;
}

// --- The header -----------------------------------------------------------------------------

// The value of a parameter of a query, as it stands there.
static struct ua_text query_find(struct ua_text query, const char *name)
{
	size_t name_len = strlen(name);

	while (query.len > 0) {
		const char *amp = memchr(query.data, '&', query.len);
		size_t len = amp == NULL ? query.len : (size_t)(amp - query.data);

		if (len > name_len && memcmp(query.data, name, name_len) == 0 &&
			query.data[name_len] == '=')
			return (struct ua_text){query.data + name_len + 1, len - name_len - 1};
		query.data += len + (amp != NULL);
		query.len -= len + (amp != NULL);
	}
	return (struct ua_text){"", 0};
}

static enum ua_procedure procedure_find(const char *path, struct ua_text target)
{
	const char *authority = memmem(target.data, target.len, "://", 3), *mark;
	struct ua_text type;
	size_t path_len;

	if (target.len > 0 && target.data[0] != '/' && authority != NULL) {
		const char *slash = memchr(
			authority + 3, '/', (size_t)(target.data + target.len - authority - 3));

		if (slash == NULL)
			return UA_NO_PROCEDURE;
		target.len -= (size_t)(slash - target.data);
		target.data = slash;
	}
	mark = memchr(target.data, '?', target.len);
	path_len = mark == NULL ? target.len : (size_t)(mark - target.data);
	if (mark == NULL || !ua_text_is((struct ua_text){target.data, path_len}, path))
		return UA_NO_PROCEDURE;
	type = query_find((struct ua_text){mark + 1, target.len - path_len - 1}, UA_QUERY);
	return ua_text_is(type, UA_QUERY_REGISTER)	? UA_REGISTER
		: ua_text_is(type, UA_QUERY_DEREGISTER) ? UA_DEREGISTER
		: ua_text_is(type, UA_QUERY_MSK)	? UA_MSK_REQUEST
							: UA_NO_PROCEDURE;
}

static bool text_has(struct ua_text text, const char *part)
{
	return text.len > 0 && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

// How the body comes, before anything of it is read (RFC 7230 3.3.3).
static enum ua_result framing_check(const struct ua_call *call)
{
	bool has_coding = call->transfer_coding.data != NULL;

	if (call->is_header_bad || call->hosts > 1)
		return UA_BAD_HEADER;
	if (has_coding && !ua_token_is(call->transfer_coding, "chunked"))
		return UA_TRANSFER_CODING;
	if (call->content_lengths > 1 || (has_coding && call->content_lengths > 0))
		return UA_BAD_LENGTH;
	return call->content_length > UA_BODY_MAX ? UA_BODY_TOO_LARGE : UA_OK;
}

static enum ua_result target_check(struct ua_call *call)
{
	const struct conf *conf = call->thread->ua->conf;

	if (call->target_len > sizeof(call->target))
		return UA_TARGET_TOO_LONG;
	call->procedure =
		procedure_find(conf->ua.path, (struct ua_text){call->target, call->target_len});
	if (call->procedure == UA_NO_PROCEDURE)
		return UA_UNKNOWN_TARGET;
	if (!ua_text_is(call->method, "POST"))
		return UA_BAD_METHOD;
	if (conf->ua.require_gba_token && !text_has(call->user_agent, UA_GBA_TOKEN))
		return UA_NO_GBA_TOKEN;
	return UA_OK;
}

// All that is ready when a turn begins is answered in it: what has waited too long already is
// turned away at once, before it costs anything.
static bool is_too_late(const struct ua_call *call)
{
	uint64_t most_ms = call->thread->ua->conf->ua.shed_after_ms;

	return most_ms != 0 && ua_clock_ns() - call->begin_ns > most_ms * 1000000;
}

void ua_call_header(struct ua_call *call)
{
	enum ua_result target = target_check(call), framing = framing_check(call);

	call->begin_ns = call->thread->now_ns;
	call->result = framing != UA_OK ? framing : target;
	if (call->result == UA_OK && is_too_late(call))
		call->result = UA_SHED;
	if (call->result == UA_OK)
		call->is_body_wanted = ua_auth_header(call);
}

// --- The body -------------------------------------------------------------------------------

static bool type_is_right(const struct ua_call *call)
{
	static const char *const types[] = {
		[UA_REGISTER] = UA_TYPE_REGISTER,
		[UA_DEREGISTER] = UA_TYPE_DEREGISTER,
		[UA_MSK_REQUEST] = UA_TYPE_MSK,
	};
	struct ua_text type = call->content_type;
	const char *parameters = type.len > 0 ? memchr(type.data, ';', type.len) : NULL;

	if (parameters != NULL)
		type.len = (size_t)(parameters - type.data);
	while (type.len > 0 && type.data[type.len - 1] == ' ')
		type.len--;
	return type.len > 0 &&
		(ua_token_is(type, types[call->procedure]) ||
			ua_token_is(type, "application/xml") || ua_token_is(type, "text/xml"));
}

static enum ua_result body_read(struct ua_call *call)
{
	static const enum ua_result results[] = {
		[UA_XML_OK] = UA_OK,
		[UA_XML_MALFORMED] = UA_BAD_XML,
		[UA_XML_DOCTYPE] = UA_DOCTYPE,
		[UA_XML_BOUNDS] = UA_BOUNDS,
		[UA_XML_BAD_ITEM] = UA_BAD_ITEM,
		[UA_XML_EMPTY] = UA_NO_ITEMS,
	};
	struct ua_thread *t = call->thread;
	struct ua_text body = {call->body, call->body_len};

	if (!type_is_right(call))
		return UA_MEDIA_TYPE;
	return results[ua_bodies_read(
		t->bodies, call->procedure, body, call->body_hash, &call->items)];
}

// --- The procedure --------------------------------------------------------------------------

static void items_count(struct ua_call *call)
{
	for (unsigned i = 0; i < call->items->items.n; i++)
		call->thread->stats.item[call->procedure][call->code[i]]++;
}

static bool items_answer(struct ua_call *call)
{
	ua_bodies_answer(
		call->thread->bodies, call->procedure, call->items, call->code, call->auth.alg);
	call->reply = call->items->reply;
	call->reply_len = call->items->reply_len;
	call->reply_type = call->procedure == UA_MSK_REQUEST ? UA_TYPE_MSK_RESPONSE
							     : UA_TYPE_REGISTER_RESPONSE;
	items_count(call);
	return ua_call_end(call, UA_OK);
}

static bool procedure_run(struct ua_call *call)
{
	enum ua_result result = body_read(call);

	if (result == UA_OK && call->procedure == UA_MSK_REQUEST)
		result = ua_msk_demand(call);
	if (result != UA_OK)
		return ua_call_end(call, result);
	if (call->procedure == UA_MSK_REQUEST)
		ua_msk_run(call);
	else if (!ua_register_run(call))
		return !call->is_waiting;
	return items_answer(call);
}

static bool registration_end(struct ua_call *call)
{
	enum ua_result result;

	if (call->job_result != 0)
		return ua_call_end(call, call->job_result == -ENOENT ? UA_EXPIRED : UA_STORE_BUSY);
	// Other bodies may have been read meanwhile.
	result = body_read(call);
	if (result != UA_OK)
		return ua_call_end(call, UA_INTERNAL);
	ua_register_committed(call);
	return items_answer(call);
}

static bool call_begin(struct ua_call *call)
{
	if (call->result != UA_OK)
		return ua_call_end(call, call->result);
	switch (ua_auth_check(call)) {
	case UA_AUTH_GOOD:
		return procedure_run(call);
	case UA_AUTH_ASK_KEY:
		if (!ua_call_may_wait(call))
			return ua_call_end(call, UA_OVERLOADED);
		ua_key_ask(call);
		return false;
	default:
		return ua_call_end(call, call->result);
	}
}

bool ua_call_run(struct ua_call *call)
{
	switch (call->state) {
	case UA_STATE_BEGIN:
		return call_begin(call);
	case UA_STATE_KEY:
		if (ua_key_answered(call))
			return ua_call_end(call, call->result);
		return false;
	case UA_STATE_KEY_STORE:
		return ua_key_stored(call) ? procedure_run(call) : ua_call_end(call, call->result);
	case UA_STATE_COMMIT:
		return registration_end(call);
	default:
		return true;
	}
}

// --- The answer -----------------------------------------------------------------------------

static void header_set(struct ua_header *h, const char *name, const char *value)
{
	h->name = name;
	h->value = value;
}

static void challenge_set(struct ua_call *call, enum ua_alg alg, struct ua_header *h)
{
	header_set(h, "WWW-Authenticate", h->text);
	ua_auth_challenge(call, alg, h->text);
}

// The strongest first (RFC 7616 3.7).
static unsigned challenges_set(struct ua_call *call, struct ua_header out[2])
{
	uint64_t algorithms = call->thread->ua->conf->ua.algorithms;
	unsigned n = 0;

	if (algorithms == CONF_UA_ALGORITHMS_SHA256 || algorithms == CONF_UA_ALGORITHMS_BOTH)
		challenge_set(call, UA_ALG_SHA256, &out[n++]);
	if (algorithms != CONF_UA_ALGORITHMS_SHA256)
		challenge_set(call, UA_ALG_MD5, &out[n++]);
	return n;
}

bool ua_call_is_unframed(const struct ua_call *call)
{
	return call->result == UA_BAD_HEADER || call->result == UA_BAD_LENGTH ||
		call->result == UA_TRANSFER_CODING || call->result == UA_BODY_TOO_LARGE;
}

// Those who are turned away together do not come back together.
static void retry_after(struct ua_call *call, char text[UA_HEADER_MAX])
{
	unsigned seconds = RETRY_AFTER_S;

	if (call->result == UA_SHED || call->result == UA_OVERLOADED)
		seconds = ua_line_join(&call->thread->line, call->thread->now_ns);
	snprintf(text, UA_HEADER_MAX, "%u", seconds);
}

unsigned ua_call_headers(struct ua_call *call, struct ua_header out[UA_HEADERS_MAX])
{
	unsigned n = 0, status = ua_result_status(call->result);

	if (call->reply_len > 0)
		header_set(&out[n++], "Content-Type", call->reply_type);
	if (call->is_authenticated && status != 401) {
		header_set(&out[n], "Authentication-Info", out[n].text);
		ua_auth_info(call, out[n++].text);
	}
	if (status == 401)
		n += challenges_set(call, out + n);
	if (status == 503) {
		header_set(&out[n], "Retry-After", out[n].text);
		retry_after(call, out[n++].text);
	}
	if (status == 405)
		header_set(&out[n++], "Allow", "POST");
	if (ua_call_is_unframed(call))
		header_set(&out[n++], "Connection", "close");
	return n;
}

const char *ua_call_address(struct ua_call *call)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&call->peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&call->peer;

	if (call->address[0] != '\0')
		return call->address;
	if (call->peer.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, call->address, sizeof(call->address));
	else if (call->peer.ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, call->address, sizeof(call->address));
	return call->address;
}

void ua_call_fini(struct ua_call *call)
{
	ua_key_free(call);
	ua_register_free(call);
	call->thread->bodies_held -= call->body_size;
	free(call->body);
	explicit_bzero(call->ha1, sizeof(call->ha1));
}
