// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "response.h"

#include <ctype.h>

#define CHUNK_LINE_MAX 64

// How the end of the body is found.
enum framing {
	HEAD, // the head is not whole
	LENGTH,
	CHUNKED,
	UNTIL_END,
	TRAILER, // the last chunk was there
};

static const char *const field_names[UE_FIELD_COUNT] = {"content-length", "transfer-encoding",
	"connection", "content-type", "authentication-info", "retry-after"};

static struct ue_extent extent_of(const char *data, const char *start, const char *end)
{
	return (struct ue_extent){(uint32_t)(start - data), (uint32_t)(end - start), true};
}

// One header line: a name, a colon, a value without the blanks around it.
struct line {
	struct ue_text name;
	const char *value;
	const char *end;
};

static bool line_split(const char *at, const char *end, struct line *line)
{
	const char *colon = memchr(at, ':', (size_t)(end - at));

	// RFC 9112 5.1 and 5.2: no blank before the colon, no folded lines.
	if (colon == NULL || colon == at || isspace((unsigned char)colon[-1]) ||
		isspace((unsigned char)*at))
		return false;
	line->name = (struct ue_text){at, (size_t)(colon - at)};
	line->value = colon + 1;
	while (line->value < end && (*line->value == ' ' || *line->value == '\t'))
		line->value++;
	while (end > line->value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	line->end = end;
	return memchr(at, '\0', (size_t)(end - at)) == NULL;
}

static bool field_take(struct ue_response *response, const char *data, const struct line *line)
{
	struct ue_extent extent = extent_of(data, line->value, line->end);

	if (ue_text_is(line->name, "www-authenticate")) {
		if (response->challenge_count < UE_RESPONSE_CHALLENGES_MAX)
			response->challenges[response->challenge_count++] = extent;
		return true;
	}
	for (int i = 0; i < UE_FIELD_COUNT; i++) {
		if (!ue_text_is(line->name, field_names[i]))
			continue;
		// None of these is a list that may come in several lines from a sane server.
		if (response->fields[i].is_there)
			return false;
		response->fields[i] = extent;
	}
	return true;
}

// "HTTP/1.1 200 OK"
static bool status_read(struct ue_response *response, const char *at, const char *end)
{
	unsigned long status;

	if (end - at < 12 || memcmp(at, "HTTP/1.", 7) != 0 || (at[7] != '0' && at[7] != '1') ||
		at[8] != ' ' || (end - at > 12 && at[12] != ' ') ||
		!ue_text_number((struct ue_text){at + 9, 3}, 599, &status) || status < 100)
		return false;
	response->status = (unsigned)status;
	response->is_last = at[7] == '0';
	return true;
}

static bool list_has(struct ue_text list, const char *token)
{
	const char *end = list.data + list.len;

	for (const char *at = list.data, *stop; at < end; at = stop + 1) {
		struct ue_text item;

		stop = memchr(at, ',', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		item = (struct ue_text){at, (size_t)(stop - at)};
		while (item.len > 0 && item.data[0] == ' ')
			item = (struct ue_text){item.data + 1, item.len - 1};
		while (item.len > 0 && item.data[item.len - 1] == ' ')
			item.len--;
		if (ue_text_is(item, token))
			return true;
	}
	return false;
}

// RFC 9112 6.3, apart from what only requests, proxies or HEAD bring about.
static bool framing_find(struct ue_response *response, const char *data)
{
	struct ue_text length = ue_response_text(data, response->fields[UE_FIELD_CONTENT_LENGTH]);
	struct ue_text coding =
		ue_response_text(data, response->fields[UE_FIELD_TRANSFER_ENCODING]);
	unsigned long bytes = 0;

	response->framing = UNTIL_END;
	if (coding.data != NULL) {
		response->framing = CHUNKED;
		return ue_text_is(coding, "chunked") && length.data == NULL;
	}
	if (length.data != NULL && !ue_text_number(length, UE_RESPONSE_MAX_BYTES, &bytes))
		return false;
	if (length.data != NULL || response->status == 204 || response->status == 304)
		response->framing = LENGTH;
	if (response->framing == UNTIL_END)
		response->is_last = true;
	if (response->status != 304)
		response->body.len = (uint32_t)bytes;
	return response->status != 204 || bytes == 0;
}

static bool head_read(struct ue_response *response, const char *data, const char *end)
{
	const char *at = data + response->head_at,
		   *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
	struct ue_text connection;
	struct line line;

	if (!status_read(response, at, stop))
		return false;
	for (at = stop + 2; at < end; at = stop + 2) {
		stop = memmem(at, (size_t)(end - at), "\r\n", 2);
		if (!line_split(at, stop, &line) || !field_take(response, data, &line))
			return false;
	}
	connection = ue_response_text(data, response->fields[UE_FIELD_CONNECTION]);
	if (connection.data != NULL && list_has(connection, "close"))
		response->is_last = true;
	else if (connection.data != NULL && list_has(connection, "keep-alive"))
		response->is_last = false;
	return framing_find(response, data);
}

// Steps over an interim answer (100 Continue, 103 Early Hints).
static void interim_skip(struct ue_response *response, uint32_t end)
{
	*response = (struct ue_response){.head_at = end, .scanned = end};
}

static enum ue_response_verdict head_parse(
	struct ue_response *response, const char *data, size_t len)
{
	while (response->framing == HEAD) {
		// The end may stand across what was there before and what is new.
		uint32_t from = response->scanned > response->head_at + 3 ? response->scanned - 3
									  : response->head_at;
		const char *end = memmem(data + from, len - from, "\r\n\r\n", 4);
		uint32_t behind;

		response->scanned = (uint32_t)len;
		if (end == NULL)
			return len >= UE_RESPONSE_MAX_BYTES ? UE_RESPONSE_BAD : UE_RESPONSE_MORE;
		if (!head_read(response, data, end + 2) || response->status == 101)
			return UE_RESPONSE_BAD;
		behind = (uint32_t)(end - data) + 4;
		if (response->status < 200) {
			interim_skip(response, behind);
			continue;
		}
		response->next = behind;
		response->body.at = behind;
		response->body.is_there = true;
	}
	return UE_RESPONSE_WHOLE;
}

// The size line of a chunk at `next`: its length in *line, the size in *size.
static enum ue_response_verdict chunk_line(const struct ue_response *response, const char *data,
	size_t len, uint32_t *line, uint32_t *size)
{
	const char *at = data + response->next, *end;
	size_t left = len - response->next;
	uint32_t digits = 0;

	end = memmem(at, left < CHUNK_LINE_MAX ? left : CHUNK_LINE_MAX, "\r\n", 2);
	if (end == NULL)
		return left >= CHUNK_LINE_MAX ? UE_RESPONSE_BAD : UE_RESPONSE_MORE;
	*size = 0;
	for (; at < end && isxdigit((unsigned char)*at) && digits < 6; at++, digits++)
		*size = 16 * *size +
			(uint32_t)(isdigit((unsigned char)*at)
					? *at - '0'
					: tolower((unsigned char)*at) - 'a' + 10);
	if (digits == 0 || (at < end && *at != ';' && *at != ' ') || *size > UE_RESPONSE_MAX_BYTES)
		return UE_RESPONSE_BAD;
	*line = (uint32_t)(end + 2 - (data + response->next));
	return UE_RESPONSE_WHOLE;
}

// Moves each whole chunk to the end of the body.
static enum ue_response_verdict chunks_parse(struct ue_response *response, char *data, size_t len)
{
	while (response->framing == CHUNKED) {
		uint32_t line, size;
		enum ue_response_verdict verdict = chunk_line(response, data, len, &line, &size);

		if (verdict != UE_RESPONSE_WHOLE)
			return verdict;
		if (size == 0) {
			response->framing = TRAILER;
			response->next += line;
			break;
		}
		if (len - response->next < (size_t)line + size + 2)
			return UE_RESPONSE_MORE;
		response->next += line;
		memmove(data + response->body.at + response->body.len, data + response->next, size);
		response->body.len += size;
		response->next += size + 2;
		if (memcmp(data + response->next - 2, "\r\n", 2) != 0)
			return UE_RESPONSE_BAD;
	}
	return UE_RESPONSE_WHOLE;
}

// Trailers end with an empty line and say nothing to a phone.
static enum ue_response_verdict trailer_parse(
	struct ue_response *response, const char *data, size_t len)
{
	for (;;) {
		const char *at = data + response->next;
		const char *end = memmem(at, len - response->next, "\r\n", 2);

		if (end == NULL)
			return UE_RESPONSE_MORE;
		response->next += (uint32_t)(end + 2 - at);
		if (end == at)
			break;
	}
	response->len = response->next;
	return UE_RESPONSE_WHOLE;
}

static enum ue_response_verdict body_parse(
	struct ue_response *response, char *data, size_t len, bool is_end)
{
	enum ue_response_verdict verdict;

	switch (response->framing) {
	case LENGTH:
		response->len = response->next + response->body.len;
		return len >= response->len ? UE_RESPONSE_WHOLE : UE_RESPONSE_MORE;
	case UNTIL_END:
		response->len = (uint32_t)len;
		response->body.len = (uint32_t)len - response->next;
		return is_end ? UE_RESPONSE_WHOLE : UE_RESPONSE_MORE;
	default:
		verdict = chunks_parse(response, data, len);
		return verdict == UE_RESPONSE_WHOLE ? trailer_parse(response, data, len) : verdict;
	}
}

enum ue_response_verdict ue_response_parse(
	struct ue_response *response, char *data, size_t len, bool is_end)
{
	enum ue_response_verdict verdict = head_parse(response, data, len);

	if (verdict == UE_RESPONSE_WHOLE)
		verdict = body_parse(response, data, len, is_end);
	if (verdict == UE_RESPONSE_WHOLE && response->len > UE_RESPONSE_MAX_BYTES)
		verdict = UE_RESPONSE_BAD;
	if (verdict == UE_RESPONSE_MORE && (is_end || len >= UE_RESPONSE_MAX_BYTES))
		verdict = UE_RESPONSE_BAD;
	return verdict;
}
