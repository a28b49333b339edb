// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// HTTP/1.1 answers as they come off a connection, in whatever pieces (RFC 9112). Strict: a BM-SC
// that frames its answers in a doubtful way is refused by name.

#pragma once

#include <stdint.h>

#include "span.h"

#define UE_RESPONSE_MAX_BYTES 65536 // head and body; longer ones are refused
#define UE_RESPONSE_CHALLENGES_MAX 4 // headers WWW-Authenticate that are kept

enum ue_response_verdict {
	UE_RESPONSE_MORE, // not whole yet
	UE_RESPONSE_WHOLE,
	UE_RESPONSE_BAD,
};

enum ue_response_field {
	UE_FIELD_CONTENT_LENGTH,
	UE_FIELD_TRANSFER_ENCODING,
	UE_FIELD_CONNECTION,
	UE_FIELD_CONTENT_TYPE,
	UE_FIELD_AUTHENTICATION_INFO,
	UE_FIELD_RETRY_AFTER,
	UE_FIELD_COUNT,
};

// A range of the data that is being parsed.
struct ue_extent {
	uint32_t at;
	uint32_t len;
	bool is_there;
};

// All zero at the start of an answer.
struct ue_response {
	unsigned status;
	bool is_last; // the server closes the connection after it
	uint32_t len; // octets the whole answer took of the data
	struct ue_extent fields[UE_FIELD_COUNT];
	struct ue_extent challenges[UE_RESPONSE_CHALLENGES_MAX];
	uint8_t challenge_count;
	struct ue_extent body; // without the chunks around it

	// How far it is; for the parser alone.
	uint8_t framing;
	uint32_t head_at; // where the head starts, behind interim answers
	uint32_t scanned;
	uint32_t next; // behind what is done
};

// Goes on with the answer in data[0..len), which holds all that has come of it since its start;
// is_end says that nothing more will. The body is put together in place. After WHOLE, what stands
// behind `len` belongs to the next answer.
enum ue_response_verdict ue_response_parse(
	struct ue_response *response, char *data, size_t len, bool is_end);

// A part of a whole answer.
static inline struct ue_text ue_response_text(const char *data, struct ue_extent extent)
{
	return (struct ue_text){extent.is_there ? data + extent.at : NULL, extent.len};
}
