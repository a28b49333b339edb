// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "monitor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mikey.h"
#include "script.h"
#include "view.h"

#define KEYS_PER_PERSON 4

struct monitor_key {
	struct monitor_key *next;
	uint32_t last;
	uint8_t mac[MIKEY_MAC_BYTES]; // of the message with that value
	int64_t expires; // Unix seconds, since it was somebody's current one; 0: never was
	char btid[STORE_NAI_MAX + 1];
};

void monitor_init(struct monitor *m, unsigned people)
{
	memset(m, 0, sizeof(*m));
	if (hcreate_r(people * KEYS_PER_PERSON + 64, &m->keys) == 0)
		script_fail("no memory for the monitor");
}

void monitor_fini(struct monitor *m)
{
	while (m->list != NULL) {
		struct monitor_key *key = m->list;

		m->list = key->next;
		free(key);
	}
	hdestroy_r(&m->keys);
}

static struct monitor_key *key_find(struct monitor *m, const struct mikey_bytes *btid)
{
	struct monitor_key *key = calloc(1, sizeof(*key));
	ENTRY *found;

	if (key == NULL || btid->len >= sizeof(key->btid))
		script_fail("the monitor takes no B-TID of %u octets", btid->len);
	memcpy(key->btid, btid->data, btid->len);
	if (hsearch_r((ENTRY){.key = key->btid}, FIND, &found, &m->keys) != 0) {
		free(key);
		return found->data;
	}
	if (hsearch_r((ENTRY){key->btid, key}, ENTER, &found, &m->keys) == 0)
		script_fail("the monitor is full");
	key->next = m->list;
	m->list = key;
	return key;
}

static void time_note(struct monitor *m, uint64_t now_ns)
{
	uint64_t ms = now_ns / 1000000;
	unsigned seat = (unsigned)(ms % MONITOR_BUCKETS), sum = 0;

	if (m->bucket_ms[seat] != ms)
		m->bucket[seat] = 0;
	m->bucket_ms[seat] = ms;
	m->bucket[seat]++;
	for (unsigned i = 0; i < MONITOR_BUCKETS; i++)
		if (m->bucket_ms[i] + MONITOR_BUCKETS > ms)
			sum += m->bucket[i];
	if (sum > m->busiest)
		m->busiest = sum;
}

// What is wrong with a message, NULL for nothing.
static const char *message_judge(const struct mikey_view *view, const struct monitor_key *key,
	const uint8_t *mac, uint32_t mark)
{
	if (view->counter <= key->last)
		return view->counter == key->last ? "the same value again" : "a lower value";
	if (view->counter > INT32_MAX)
		return "a value of 2^31 or more";
	if (view->counter > mark)
		return "a value above the mark";
	if (view->wants_verification != (mikey_view_kind(view) == MIKEY_KIND_MSK))
		return view->wants_verification ? "V in a solicited pull" : "V is not set";
	if (memcmp(mac, key->mac, sizeof(key->mac)) == 0)
		return "a repeat with the same MAC";
	return NULL;
}

static void violate(struct monitor *m, const char *what, const struct mikey_view *view,
	const struct monitor_key *key, uint32_t mark)
{
	if (m->violation[0] == '\0')
		snprintf(m->violation, sizeof(m->violation),
			"wire: %s under %.60s: T %u after %u, mark %u", what, key->btid,
			view->counter, key->last, mark);
}

// An MSK under a MUK that its owner would not take any more, be it the current or the previous one.
static bool is_expired(const struct mikey_view *view, struct monitor_key *key,
	const struct person *person, int64_t true_s)
{
	if (person != NULL && strcmp(key->btid, person->btid) == 0)
		key->expires = person->expires;
	return mikey_view_kind(view) == MIKEY_KIND_MSK && key->expires != 0 &&
		key->expires <= true_s;
}

// The key that protects a message: the MUK of a B-TID, or an MSK, which is given a name here.
static struct monitor_key *key_of(struct monitor *m, const struct mikey_view *view)
{
	struct mikey_bytes name;
	char text[32];

	if (mikey_view_kind(view) != MIKEY_KIND_MTK)
		return key_find(m, &view->identity[1]);
	name.len = (uint16_t)snprintf(
		text, sizeof(text), "MSK %04x %04x", view->id.group, view->id.number);
	name.data = (const uint8_t *)text;
	return key_find(m, &name);
}

static void message_see(struct monitor *m, const struct person *person,
	const struct mikey_bytes *message, const struct monitor_now *now)
{
	struct mikey_view view;
	struct monitor_key *key;
	const char *what;
	enum mikey_kind kind;

	if (mikey_parse(message->data, message->len, &view) != MIKEY_OK ||
		((kind = mikey_view_kind(&view)) != MIKEY_KIND_MSK && kind != MIKEY_KIND_SOLICIT &&
			kind != MIKEY_KIND_MTK)) {
		snprintf(m->violation, sizeof(m->violation),
			"a frame that is no MSK message, solicited pull or MTK message");
		return;
	}
	key = key_of(m, &view);
	what = message_judge(&view, key, message->data + view.mac.off, now->mark);
	if (what == NULL && is_expired(&view, key, person, now->true_s))
		what = "an MSK under an expired MUK";
	if (what != NULL)
		violate(m, what, &view, key, now->mark);
	key->last = view.counter;
	memcpy(key->mac, message->data + view.mac.off, sizeof(key->mac));
	if (view.counter > m->highest)
		m->highest = view.counter;
	m->messages++;
	m->solicits += kind == MIKEY_KIND_SOLICIT;
	time_note(m, now->ns);
}

void monitor_see(struct monitor *m, const struct people *p, const uint8_t *frame, size_t len,
	const struct monitor_now *now)
{
	struct mikey_bytes message;
	unsigned person;
	struct view view;

	// ARP, ND and echo carry no counter.
	view_make(&view, frame, len);
	if (!view.is_udp)
		return;
	person = people_at(p, &view.to);
	if (person != UINT_MAX)
		m->to[person]++;
	message = (struct mikey_bytes){frame + view.message, (uint16_t)(len - view.message)};
	message_see(m, person != UINT_MAX ? &p->person[person] : NULL, &message, now);
}
