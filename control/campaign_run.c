// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The open campaign: member states, and the counts that follow them slice by slice, so that
// verified + given up + refused + pending = members holds at every moment.

#include "campaign_run.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

_Static_assert((int)DP_CAMPAIGN_PUSH == STORE_CAMPAIGN_PUSH &&
		(int)DP_CAMPAIGN_SOLICIT == STORE_CAMPAIGN_SOLICIT &&
		(int)DP_CAMPAIGN_AUTO == STORE_CAMPAIGN_AUTO,
	"kinds of campaigns are the store's");
_Static_assert(DP_SENDS_MAX == STORE_SENDS_MAX, "rounds fit the store");
_Static_assert(DP_MEMBER_NONE == STORE_MEMBER_NONE, "member states are the store's");
_Static_assert(DP_MEMBER_REFUSED == STORE_MEMBER_REFUSED, "member states are the store's");

#define SENDS_MASK 0x1f
#define LARGE_PAGE ((size_t)2 << 20)

uint64_t campaign_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct campaign_run *campaigns_find(struct campaigns *all, uint32_t id)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->run[i]->record.id == id)
			return all->run[i];
	return NULL;
}

// An octet for each member. Answers ask for any of them: of many, in large pages.
static uint8_t *members_create(uint32_t span, uint8_t value)
{
	size_t bytes = ((size_t)span + LARGE_PAGE) / LARGE_PAGE * LARGE_PAGE;
	bool is_large = span >= LARGE_PAGE / 4;
	uint8_t *octet = is_large ? aligned_alloc(LARGE_PAGE, bytes) : malloc((size_t)span + 1);

	if (octet == NULL)
		return NULL;
	if (is_large)
		madvise(octet, bytes, MADV_HUGEPAGE);
	memset(octet, value, (size_t)span + 1);
	return octet;
}

// Room for what an armed campaign makes ahead: what no member needs stays without memory.
static int staged_create(struct dp_campaign *dp, uint16_t entry_bytes)
{
	size_t bytes = (size_t)dp->span * entry_bytes + 1;
	void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return -ENOMEM;
	madvise(room, bytes, MADV_DONTDUMP);
	dp->staged = room;
	dp->staged_bytes = entry_bytes;
	dp->is_staged = calloc(dp->span + 1, 1);
	return dp->is_staged == NULL ? -ENOMEM : 0;
}

static void staged_destroy(struct dp_campaign *dp)
{
	uint8_t *room = dp->staged;

	if (room == NULL)
		return;
	for (uint32_t id = 0; dp->is_staged != NULL && id < dp->span; id++)
		if (dp->is_staged[id])
			explicit_bzero(room + (size_t)id * dp->staged_bytes, dp->staged_bytes);
	munmap(room, (size_t)dp->span * dp->staged_bytes + 1);
	free(dp->is_staged);
}

static uint16_t staged_bytes_of(const struct store_campaign *record)
{
	return (record->flags & STORE_CAMPAIGN_FRAMES) != 0 ? DP_STAGED_FRAME_BYTES
							    : DP_STAGED_KEYS_BYTES;
}

static struct dp_campaign *dp_create(const struct store_campaign *record, uint32_t slices)
{
	struct dp_campaign *dp = aligned_alloc(_Alignof(struct dp_campaign), sizeof(*dp));

	if (dp == NULL)
		return NULL;
	memset(dp, 0, sizeof(*dp));
	dp->id = record->id;
	dp->kind = record->kind;
	dp->sends = record->sends;
	for (int i = 0; i < record->sends; i++)
		dp->wait_ms[i] = record->wait_s[i] * 1000u;
	dp->solicits = record->solicits;
	for (int i = 0; i < record->solicits; i++)
		dp->solicit_wait_ms[i] = record->solicit_wait_s[i] * 1000u;
	if (record->stop_percent != 0)
		atomic_store(&dp->trial, record->stop_after);
	dp->is_last_previous = (record->flags & STORE_CAMPAIGN_PREVIOUS) != 0;
	dp->solicit_csb_id = record->solicit_csb_id;
	memcpy(dp->solicit_rand, record->solicit_rand, sizeof(dp->solicit_rand));
	dp->span = record->span;
	dp->first_round = record->round == 0 ? 1 : record->round;
	dp->only = record->only;
	atomic_store(&dp->rate, record->rate);
	atomic_store(&dp->is_paused, record->state == STORE_CAMPAIGN_PAUSED);
	dp->round = members_create(record->span, DP_MEMBER_NONE);
	dp->done = members_create(record->span, 0);
	dp->is_dirty = calloc(slices + 1, 1);
	return dp;
}

static void dp_destroy(struct dp_campaign *dp)
{
	if (dp == NULL)
		return;
	staged_destroy(dp);
	free(dp->round);
	free(dp->done);
	free(dp->is_dirty);
	free(dp->way);
	free(dp->area);
	explicit_bzero(dp, sizeof(*dp));
	free(dp);
}

void campaign_run_destroy(struct campaign_run *run)
{
	if (run == NULL)
		return;
	dp_destroy(run->dp);
	free(run->count);
	free(run->is_unsaved);
	free(run);
}

int campaign_run_create(const struct store_campaign *record, struct campaign_run **out)
{
	struct campaign_run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return -ENOMEM;
	run->record = *record;
	run->record.members = run->record.verified = 0;
	run->record.refused = run->record.given_up = 0;
	run->pushes_before = record->pushes;
	run->solicits_before = record->solicits_sent;
	run->slices = (record->span + STORE_SLICE - 1) / STORE_SLICE;
	run->count = calloc(run->slices + 1, sizeof(*run->count));
	run->is_unsaved = calloc(run->slices + 1, 1);
	run->dp = dp_create(record, run->slices);
	if (run->count == NULL || run->is_unsaved == NULL || run->dp == NULL ||
		run->dp->round == NULL || run->dp->done == NULL || run->dp->is_dirty == NULL) {
		campaign_run_destroy(run);
		return -ENOMEM;
	}
	if ((record->flags & STORE_CAMPAIGN_ARMED) != 0 &&
		staged_create(run->dp, staged_bytes_of(record)) != 0) {
		campaign_run_destroy(run);
		return -ENOMEM;
	}
	*out = run;
	return 0;
}

void campaign_run_arm(
	struct campaign_run *run, const struct store_msk *msk, const struct store_group *group)
{
	struct dp_msk *to = &run->dp->msk;

	run->record.group = group->id;
	run->record.msk_number = msk->number;
	to->profile = group->profile;
	memcpy(to->kdi, group->id.kdi, sizeof(to->kdi));
	to->group = group->id.group;
	to->number = msk->number;
	to->csb_id = msk->csb_id;
	memcpy(to->rand, msk->rand, sizeof(to->rand));
	// Solicited pulls carry none, and only those who send it get it.
	if (run->record.kind != STORE_CAMPAIGN_SOLICIT)
		memcpy(to->key, msk->key.byte, sizeof(to->key));
	to->seq_l = msk->seq_l;
	to->seq_u = msk->seq_u;
}

static uint8_t member_state(uint8_t round, uint8_t done, uint8_t rest)
{
	bool is_refused = (round & DP_MEMBER_REFUSED) != 0;

	if (round == DP_MEMBER_NONE)
		return STORE_MEMBER_NONE;
	if (done != 0)
		return STORE_MEMBER_VERIFIED | (is_refused ? 0 : round & SENDS_MASK);
	return is_refused || rest == 0 ? round : rest;
}

static uint32_t slice_end(const struct campaign_run *run, uint32_t slice)
{
	uint32_t left = run->record.span - slice * STORE_SLICE;

	return slice * STORE_SLICE + (left < STORE_SLICE ? left : STORE_SLICE);
}

void campaign_run_slice(const struct campaign_run *run, uint32_t slice, uint8_t out[STORE_SLICE])
{
	uint32_t first = slice * STORE_SLICE, end = slice_end(run, slice);

	for (uint32_t id = first; id < end; id++)
		out[id - first] = member_state(run->dp->round[id], run->dp->done[id], run->rest);
	memset(out + (end - first), STORE_MEMBER_NONE, STORE_SLICE - (end - first));
}

static void count_add(struct campaign_run *run, const struct campaign_count *count, int sign)
{
	run->record.members += (uint32_t)(sign * count->members);
	run->record.verified += (uint32_t)(sign * count->verified);
	run->record.refused += (uint32_t)(sign * count->refused);
	for (int i = 0; i < CAMPAIGN_REASONS; i++)
		run->refused_by[i] += (uint32_t)(sign * count->refused_by[i]);
}

static void member_count(struct campaign_run *run, struct campaign_count *count, uint8_t state)
{
	if (state == STORE_MEMBER_NONE)
		return;
	count->members++;
	if ((state & STORE_MEMBER_REFUSED) != 0) {
		count->refused++;
		count->refused_by[state & (CAMPAIGN_REASONS - 1)]++;
		return;
	}
	if ((state & STORE_MEMBER_VERIFIED) != 0)
		count->verified++;
	if ((state & STORE_MEMBER_GIVEN_UP) == 0 && (state & SENDS_MASK) > run->rounds)
		run->rounds = state & SENDS_MASK;
}

void campaign_run_count(struct campaign_run *run, uint32_t slice)
{
	struct campaign_count *count = &run->count[slice];
	uint8_t state[STORE_SLICE];

	campaign_run_slice(run, slice, state);
	count_add(run, count, -1);
	memset(count, 0, sizeof(*count));
	for (int i = 0; i < STORE_SLICE; i++)
		member_count(run, count, state[i]);
	count_add(run, count, 1);
	run->is_unsaved[slice] = 1;
	run->is_record_unsaved = true;
}

// The round that runs is that of the worker which is behind.
static void workers_follow(struct campaign_run *run)
{
	uint64_t pushes = run->pushes_before, solicits = run->solicits_before;
	uint32_t round = run->record.sends + run->record.solicits;

	for (unsigned i = 0; i < run->workers; i++) {
		uint32_t its = atomic_load(&run->dp->worker[i].round);

		pushes += atomic_load(&run->dp->worker[i].pushes);
		solicits += atomic_load(&run->dp->worker[i].solicits);
		if (its < round && !atomic_load(&run->dp->worker[i].is_through))
			round = its;
	}
	if (round < run->dp->first_round)
		round = run->dp->first_round;
	if (pushes == run->record.pushes && solicits == run->record.solicits_sent &&
		round == run->record.round)
		return;
	run->record.pushes = pushes;
	run->record.solicits_sent = solicits;
	run->record.round = (uint8_t)round;
	run->is_record_unsaved = true;
}

void campaign_run_follow(struct campaign_run *run)
{
	// A final report never changes.
	if (run->rest != 0)
		return;
	for (uint32_t i = 0; i < run->slices; i++)
		if (atomic_load_explicit(&run->dp->is_dirty[i], memory_order_relaxed) != 0 &&
			atomic_exchange_explicit(&run->dp->is_dirty[i], 0, memory_order_acq_rel) !=
				0)
			campaign_run_count(run, i);
	if (run->phase != CAMPAIGN_STARTING)
		workers_follow(run);
}

unsigned campaign_run_last_send(const struct campaign_run *run, store_id id)
{
	const struct dp_campaign *dp = run->dp;

	return dp->way != NULL && dp->way[id] == DP_WAY_SOLICIT ? dp->solicits
								: dp->sends + dp->solicits;
}

uint32_t campaign_run_pending(const struct campaign_run *run)
{
	const struct store_campaign *r = &run->record;

	return r->members - r->verified - r->refused - r->given_up;
}

bool campaign_run_is_through(const struct campaign_run *run)
{
	for (unsigned i = 0; i < run->workers; i++)
		if (!atomic_load_explicit(&run->dp->worker[i].is_through, memory_order_acquire))
			return false;
	return true;
}

uint32_t campaign_run_staged(const struct campaign_run *run)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < run->workers; i++)
		n += atomic_load(&run->dp->worker[i].staged);
	return n;
}

bool campaign_run_is_armed(const struct campaign_run *run)
{
	return (run->record.flags & STORE_CAMPAIGN_ARMED) != 0;
}

// Why nothing is sent: what holds a worker that has something to send. The pace is no stall.
enum dp_stall campaign_run_stall(const struct campaign_run *run)
{
	if (campaign_run_is_armed(run))
		return DP_STALL_NONE;
	if (run->record.state == STORE_CAMPAIGN_PAUSED)
		return DP_STALL_PAUSED;
	for (unsigned i = 0; i < run->workers; i++) {
		uint32_t stall = atomic_load(&run->dp->worker[i].stall);

		if (stall != DP_STALL_NONE && stall != DP_STALL_PACE && stall != DP_STALL_PAUSED)
			return (enum dp_stall)stall;
	}
	return DP_STALL_NONE;
}

// --- The first members ----------------------------------------------------------------------

// The first wait of those that are pushed to, and of those that are solicited, twice over.
static uint64_t trial_wait_ms(const struct store_campaign *r)
{
	uint64_t push = r->kind == STORE_CAMPAIGN_SOLICIT ? 0 : r->wait_s[0];
	uint64_t solicit = r->kind == STORE_CAMPAIGN_PUSH ? 0 : r->solicit_wait_s[0];

	return (push > solicit ? push : solicit) * 2000 + 1000;
}

bool campaign_run_try(struct campaign_run *run, uint64_t now_ms)
{
	struct store_campaign *r = &run->record;
	uint32_t trial = atomic_load(&run->dp->trial);
	uint64_t wanted = (uint64_t)trial * (100u - r->stop_percent);

	if (trial == 0 || atomic_load(&run->dp->tried) < trial)
		return false;
	if (run->trial_ms == 0)
		run->trial_ms = now_ms;
	if ((uint64_t)r->verified * 100 < wanted && now_ms - run->trial_ms < trial_wait_ms(r))
		return false;
	if ((uint64_t)r->verified * 100 < wanted) {
		atomic_store(&run->dp->is_paused, true);
		r->state = STORE_CAMPAIGN_PAUSED;
		r->flags |= STORE_CAMPAIGN_HALTED;
	}
	// Who resumes it wants it to go on, also after a restart.
	atomic_store(&run->dp->trial, 0);
	r->stop_percent = 0;
	run->is_record_unsaved = true;
	return (r->flags & STORE_CAMPAIGN_HALTED) != 0;
}
