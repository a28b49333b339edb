// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Which phone is due next: a heap of those that are due or expect something, by their time.

#include "ua_inside.h"

static bool is_earlier(const struct ue_ua *ua, uint32_t a, uint32_t b)
{
	return ua->states[a].due < ua->states[b].due;
}

static void schedule_set(struct ue_ua *ua, uint32_t at, uint32_t phone)
{
	ua->schedule[at] = phone;
	ua->states[phone].at = at;
}

static void schedule_rise(struct ue_ua *ua, uint32_t at, uint32_t phone)
{
	while (at > 0 && is_earlier(ua, phone, ua->schedule[(at - 1) / 2])) {
		schedule_set(ua, at, ua->schedule[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	schedule_set(ua, at, phone);
}

static void schedule_sink(struct ue_ua *ua, uint32_t at, uint32_t phone)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < ua->scheduled &&
			is_earlier(ua, ua->schedule[child + 1], ua->schedule[child]))
			child++;
		if (child >= ua->scheduled || !is_earlier(ua, ua->schedule[child], phone))
			break;
		schedule_set(ua, at, ua->schedule[child]);
		at = child;
	}
	schedule_set(ua, at, phone);
}

static void schedule_remove(struct ue_ua *ua, uint32_t phone)
{
	uint32_t at = ua->states[phone].at, last;

	if (at == UE_NONE)
		return;
	ua->states[phone].at = UE_NONE;
	last = ua->schedule[--ua->scheduled];
	if (last == phone)
		return;
	if (at > 0 && is_earlier(ua, last, ua->schedule[(at - 1) / 2]))
		schedule_rise(ua, at, last);
	else
		schedule_sink(ua, at, last);
}

void ue_ua_enter(struct ue_ua *ua, uint32_t phone, enum ue_ua_state state, int64_t due)
{
	struct ue_ua_phone *s = &ua->states[phone];

	schedule_remove(ua, phone);
	ua->in_state[s->state]--;
	ua->in_state[state]++;
	s->state = (uint8_t)state;
	s->due = due;
	if (state == UE_UA_DUE || state == UE_UA_EXPECTING)
		schedule_rise(ua, ua->scheduled++, phone);
}

int64_t ue_ua_due(const struct ue_ua *ua)
{
	return ua->scheduled > 0 ? ua->states[ua->schedule[0]].due : INT64_MAX;
}
