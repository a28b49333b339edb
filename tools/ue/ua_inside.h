// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the files of the phones' side of Ua share.
//
//	ua.c		phones and their wishes, when they are due
//	ua_hear.c	wishes that MIKEY messages make, MSKs that come
//	ua_body.c	requests that many phones make alike
//	ua_request.c	a phone's next request
//	ua_answer.c	what it makes of the answer
//	ua_report.c	all of it as JSON

#pragma once

#include "digest.h"
#include "histogram.h"
#include "rng.h"
#include "ua.h"

#define UE_UA_TARGET_BYTES 512
#define UE_UA_CNONCE_BYTES 16

enum ue_ua_state {
	UE_UA_IDLE,
	UE_UA_DUE, // has something to ask: waits for its time, or for a connection
	UE_UA_ASKING, // has a connection
	UE_UA_EXPECTING, // waits for an MSK that the BM-SC promised
	UE_UA_GONE, // has left the service
};

struct ue_ua_phone {
	struct ue_association *association; // NULL: the next request goes without credentials
	uint64_t awaited; // bit per subject of `fetched` whose MSK has not come
	uint64_t came; // bit per subject of the fetch it wants whose MSK has come meanwhile
	int64_t due; // in states DUE and EXPECTING
	int64_t sent_at;
	int64_t promised_at; // when the BM-SC said 200 to the last fetch; 0: it has not
	uint32_t at; // in the schedule; UE_NONE when it is not there
	uint32_t credential; // of the last request
	uint16_t body[UE_PROCEDURE_COUNT]; // of what it wants
	uint16_t asked; // body of the last request
	uint16_t fetched; // body of the last fetch
	uint8_t wants; // bit per procedure to be carried out
	uint8_t state;
	uint8_t asking; // procedure of the last request
	uint8_t failures; // in a row
	uint8_t stale; // 401 with stale=true in a row
	uint8_t renegotiations; // in a row
	uint8_t cause; // why it left
	uint8_t reasons; // bit per enum ue_way: why it asks
	bool is_authenticated; // the last request had credentials
};

// A request that any number of phones make; what differs is the Authorization header.
struct ue_ua_body {
	enum ue_procedure procedure;
	struct ue_subject *subjects; // owned, with their texts
	size_t count;
	char *head; // request line and headers up to Authorization; owned
	size_t head_len;
	char *text; // owned
	size_t text_len;
	struct ue_digest_target target;
	// The last answer that was read, and what it said for each subject: BM-SCs repeat
	// themselves.
	char *answer;
	size_t answer_len;
	uint16_t codes[UE_SUBJECTS_MAX];
};

// When a phone may fetch the MSK of a key group again because it heard something.
struct ue_ua_pull {
	int64_t from; // the one that is due, at the earliest
	int64_t until; // no further one before
	uint32_t phone;
	uint16_t group;
	uint8_t profile;
	uint8_t kdi[MIKEY_KDI_BYTES];
};

struct ue_ua {
	struct ue_ua_conf conf;
	struct ue_phones *phones;
	struct ue_ua_phone *states; // one a phone
	uint32_t *schedule; // a heap of phones, the earliest on top
	uint32_t scheduled;
	char targets[UE_PROCEDURE_COUNT][UE_UA_TARGET_BYTES];
	struct ue_ua_body *bodies;
	size_t body_count;
	struct ue_index by_body;
	struct ue_ua_pull *pulls;
	uint32_t pull_count;
	uint32_t pull_room;
	struct ue_index by_pull;
	struct ue_answer_reader *reader;
	struct ue_rng rng;
	uint32_t in_state[UE_UA_GONE + 1];
	uint64_t events[UE_UA_EVENT_COUNT];
	uint64_t refused[UE_UA_REFUSAL_COUNT];
	uint64_t left[UE_UA_LEAVE_COUNT];
	uint64_t requests[UE_PROCEDURE_COUNT];
	uint64_t statuses[UE_PROCEDURE_COUNT][600];
	uint64_t items[UE_PROCEDURE_COUNT][600];
	struct ue_histogram latency[UE_PROCEDURE_COUNT]; // of answers that were believed
	struct ue_histogram msk_latency; // from the 200 to the last MSK it promised
};

#define UE_UA_NO_BODY UINT16_MAX

// The body of a request, made when it is new; UE_UA_NO_BODY when there is no room for it.
uint16_t ue_ua_body_get(struct ue_ua *ua, enum ue_procedure procedure,
	const struct ue_subject *subjects, size_t count);
void ue_ua_bodies_free(struct ue_ua *ua);
// True when each of the subjects is among those of the body.
bool ue_ua_body_covers(
	const struct ue_ua_body *body, const struct ue_subject *subjects, size_t count);

// A body with the subjects of both, as far as there is room.
uint16_t ue_ua_body_join(struct ue_ua *ua, uint16_t a, uint16_t b);

// A bit for each subject of a body.
static inline uint64_t ue_ua_subjects(const struct ue_ua *ua, uint16_t body)
{
	return UINT64_MAX >> (UE_SUBJECTS_MAX - ua->bodies[body].count);
}

// Puts a phone into a state; into DUE and EXPECTING until `due`.
void ue_ua_enter(struct ue_ua *ua, uint32_t phone, enum ue_ua_state state, int64_t due);
// After an answer that counts: goes on with what else the phone wants or expects.
void ue_ua_go_on(struct ue_ua *ua, uint32_t phone, const struct ue_now *now);
// The last request has to be made again.
void ue_ua_want_again(struct ue_ua *ua, uint32_t phone);
// The last request did not work out: tries again after a while, at least `wait_us`, or leaves for
// `cause` when that was tried often enough.
void ue_ua_retry(struct ue_ua *ua, uint32_t phone, int64_t wait_us, enum ue_ua_leave cause,
	const struct ue_now *now);
void ue_ua_leave(struct ue_ua *ua, uint32_t phone, enum ue_ua_leave cause);
// The MSKs that were promised have all come.
void ue_ua_msk_came(struct ue_ua *ua, uint32_t phone, const struct ue_now *now);

void ue_ua_forget_association(struct ue_ua_phone *phone);
// Digits that are new each time.
struct ue_text ue_ua_cnonce(struct ue_ua *ua, char text[UE_UA_CNONCE_BYTES]);
// True when an MSK is one that a subject names; in v600 the domain is implied, and Key Number 0
// stands for any.
bool ue_ua_is_about(const struct ue_subject *subject, const struct ue_subject *key);
