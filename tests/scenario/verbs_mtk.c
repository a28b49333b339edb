// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs of MTK messages: what control orders of the worker that sends them.

#include <arpa/inet.h>
#include <string.h>

#include "script.h"
#include "site.h"

#define WAIT_NS 2000000000u // a message that cannot leave is dropped then
#define PORT 5004 // where phones listen (site.c)

static struct store_mtks *mtks_of(struct site *s, unsigned group, unsigned number)
{
	struct store_mtks *mtks = &s->control.mtks[group][number % CONTROL_MSKS];

	*mtks = mtks->number == number ? *mtks : (struct store_mtks){0};
	mtks->group = (struct store_group_id){{0x00, 0xf1, 0x10}, (uint16_t)group};
	mtks->number = (uint16_t)number;
	return mtks;
}

// The MTK is in the store before it is sent.
static void mtk_make(struct site *s, struct store_mtks *mtks, unsigned id)
{
	struct store_mtk *mtk = &mtks->mtk[mtks->count];

	if (id <= mtks->last_id)
		return;
	if (mtks->count == STORE_MTKS_MAX)
		script_fail("mtk: more than %d", STORE_MTKS_MAX);
	*mtk = (struct store_mtk){.id = (uint16_t)id};
	ue_rng_fill(&s->wire.rng, mtk->key.byte, sizeof(mtk->key.byte));
	mtks->count++;
	mtks->last_id = (uint16_t)id;
	fake_store_mtks(s->people.env, mtks);
	site_commit(s);
}

static void place_set(struct dp_mtk *order, const char *text)
{
	memset(order->address, 0, sizeof(order->address));
	if (inet_pton(AF_INET6, text, order->address) == 1)
		return;
	memset(order->address + 10, 0xff, 2);
	if (inet_pton(AF_INET, text, order->address + 12) != 1)
		script_fail("'%s' is no address", text);
}

// mtk ID [group G] [msk N] [to ADDRESS]: one message of an MTK, made when it is a new one
static void verb_mtk(struct site *s, struct words *w)
{
	unsigned id = (unsigned)word_number(w, "MTK ID", 1, UINT16_MAX), group = 1, number = 0;
	struct dp_mtk order = {.kdi = {0x00, 0xf1, 0x10}, .port = PORT};

	place_set(&order, "232.1.1.1");
	while (w->at < w->n) {
		if (word_take_if(w, "group"))
			group = (unsigned)word_number(w, "group", 1, PEOPLE_GROUPS);
		else if (word_take_if(w, "msk"))
			number = (unsigned)word_number(w, "Key Number", 1, UINT16_MAX);
		else if (word_take_if(w, "to"))
			place_set(&order, word_take(w, "an address"));
		else
			words_end(w);
	}
	if (number == 0)
		number = s->control.msk[group].number;
	mtk_make(s, mtks_of(s, group, number), id);
	order.group = (uint16_t)group;
	order.number = (uint16_t)number;
	order.mtk_id = (uint16_t)id;
	order.until_ns = s->now.ns + WAIT_NS;
	order.version = fake_store_version(s->people.env);
	if (shared_mtk(&s->shared, &order) != 0)
		script_fail("the worker takes no order");
}

// bar N [group G]: MTKs that the store does not know of may have gone under this MSK
static void verb_bar(struct site *s, struct words *w)
{
	unsigned number = (unsigned)word_number(w, "Key Number", 1, UINT16_MAX), group = 1;
	struct store_mtks *mtks;

	if (word_take_if(w, "group"))
		group = (unsigned)word_number(w, "group", 1, PEOPLE_GROUPS);
	words_end(w);
	mtks = mtks_of(s, group, number);
	mtks->is_barred = true;
	fake_store_mtks(s->people.env, mtks);
	site_commit(s);
}

// seq-u N [group G]: the newest MSK is good for MTK IDs up to N
static void verb_seq_u(struct site *s, struct words *w)
{
	unsigned seq_u = (unsigned)word_number(w, "SEQu", 0, UINT16_MAX), group = 1;

	if (word_take_if(w, "group"))
		group = (unsigned)word_number(w, "group", 1, PEOPLE_GROUPS);
	words_end(w);
	control_msk_bound(s, group, (uint16_t)seq_u);
}

const struct verb verbs_mtk[] = {
	{"mtk", verb_mtk, false},
	{"bar", verb_bar, false},
	{"seq-u", verb_seq_u, false},
	{0},
};
