// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What an armed campaign holds ready for its members: derived keys, or whole frames. Each entry is
// used and written by the worker that owns the member's slice.
//
// Keys do not depend on the counter. A frame does: it holds the value that was taken when it was
// made (and no secret: what is in it is encrypted), and may be sent once, as long as that is the
// last value of its subscriber. Whatever takes another value for the subscriber, or changes the
// record, takes the frame away; what is looked at when it is sent is that it is still there, its
// value, and the life of the MUK.

#pragma once

#include "worker.h"

// From the IP header on; in front of that stands what the next hop wants now.
struct staged_frame {
	uint32_t counter; // the value in it
	uint32_t expires; // when the MUK does, Unix seconds
	uint16_t way; // of its address
	uint16_t len;
	uint8_t hop; // number of the next hop whose source address it bears
	uint8_t reserved[3];
	uint8_t octets[240];
};
_Static_assert(sizeof(struct staged_frame) == DP_STAGED_FRAME_BYTES, "control makes the room");

static inline bool run_stages_frames(const struct run *run)
{
	return run->campaign != NULL && run->campaign->staged_bytes == DP_STAGED_FRAME_BYTES;
}

// The frame of member i of a burst that was fetched, NULL: it has to be built.
static inline const struct staged_frame *burst_frame(const struct burst *b, unsigned i)
{
	return b->frames == 0 ? NULL : b->frame[i];
}

// What the messages are made from that a campaign can be armed with.
static inline struct draft *run_draft(struct run *run)
{
	return run->campaign->kind == DP_CAMPAIGN_SOLICIT ? &run->solicit : &run->msk;
}

// Whether messages of this burst are those that the campaign may hold something ready for: in an
// AUTO one that are the pushes, not the solicited pulls.
static inline bool burst_is_staged(const struct burst *b)
{
	return b->run->campaign != NULL && b->run->campaign->staged != NULL &&
		b->draft == run_draft(b->run);
}

// An id's record, its counter or something else that counted has changed: nothing is ready now.
void run_unstage(struct worker *w, struct run *run, store_id id);
// Their frames are on their way.
void run_unstage_sent(struct worker *w, struct run *run, const store_id *ids, unsigned n);
void run_unstage_all(struct worker *w, struct run *run);
void run_prefetch_staged(const struct run *run, const store_id *ids, unsigned n, store_id ahead);
// Keys of a member of a campaign that has staged some; NULL when there are none.
const struct crypto_staged_keys *run_staged_keys(const struct run *run, store_id id);
// The frame of a member, if it may be sent at fresh_at_s (see struct member_wish); else NULL.
const struct staged_frame *run_staged_frame(
	const struct worker *w, const struct run *run, store_id id, int64_t fresh_at_s);
// The entry of an id, which gets what is `kind` of.
void *run_stage(struct worker *w, struct run *run, store_id id, enum dp_staged kind);
// Values were taken for these ids: frames with older ones go.
void frames_outdate(struct worker *w, const uint32_t *ids, unsigned n);
// Whether another campaign of this worker has a frame for an id: two would outdate each other.
bool frame_is_elsewhere(const struct worker *w, const struct run *run, store_id id);

// ahead_frame.c: makes frames for n members, and says for which there can be none but keys: those
// are moved to the front of id, and counted.
unsigned ahead_frames(struct worker *w, struct run *run, store_id id[BURST], unsigned n,
	const struct dp_now *now);
