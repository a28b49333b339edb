// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// SHA-1 (FIPS 180-4, 6.1.2) of many messages side by side, one in each 32-bit lane of a vector.
// Included once for each instruction set, which defines `vec` and the vec_*() functions.
//
// A round waits for the one before it, and on a CPU with four vector ports one chain of rounds
// leaves most of them idle: two chains, of a vector each, run interleaved. The message schedule
// lives in a ring of 20 rows in memory, so that four turns of five rounds meet the same rows;
// only its last three words, on which the next ones wait, stay in registers.

#pragma once

#include "common_block.h"
#include "lanes.h"

#define INLINE static inline __attribute__((always_inline))
// The compiler likes to keep words of the schedule in registers, until it spills the state to
// memory, where it is on the critical path. This makes it load each word where it is used.
#define LOADS_STAY_HERE() __asm__ volatile("" ::: "memory")

enum sha1_f {
	CHOOSE,
	PARITY,
	MAJORITY
};

struct chain {
	vec a, b, c, d, e;
	vec w1, w2, w3; // W_t-1, W_t-2, W_t-3
};

// Two vectors of messages. Indexed by constants only, so that it stays in registers.
struct chains {
	struct chain x[2];
};

// Rows of the schedule, in four groups of five; group[0] holds W_t to W_t+4 once they are known,
// before that W_t-20 to W_t-16.
struct schedule {
	uint32_t (*group[4])[LANES_MAX];
};

INLINE vec *row_vec(uint32_t row[LANES_MAX], int j)
{
	return (vec *)row + j;
}

INLINE const vec *row_vec_const(const uint32_t row[LANES_MAX], int j)
{
	return (const vec *)row + j;
}

INLINE vec sha1_f(enum sha1_f f, vec b, vec c, vec d)
{
	switch (f) {
	case CHOOSE:
		return vec_choose(b, c, d);
	case MAJORITY:
		return vec_majority(b, c, d);
	default:
		return vec_xor3(b, c, d);
	}
}

// The sum that waits for a comes last.
INLINE void chain_round(struct chain *x, enum sha1_f f, vec wk)
{
	vec sum = vec_add(vec_add(x->e, wk), sha1_f(f, x->b, x->c, x->d));

	x->e = x->d;
	x->d = x->c;
	x->c = vec_rol30(x->b);
	x->b = x->a;
	x->a = vec_add(sum, vec_rol5(x->a));
}

INLINE void chain_load(struct chain *x, const struct lanes_state *from, int j)
{
	x->a = *row_vec_const(from->w[0], j);
	x->b = *row_vec_const(from->w[1], j);
	x->c = *row_vec_const(from->w[2], j);
	x->d = *row_vec_const(from->w[3], j);
	x->e = *row_vec_const(from->w[4], j);
	x->w1 = x->w2 = x->w3 = vec_broadcast(0);
}

INLINE void chain_finish(
	struct lanes_state *to, const struct lanes_state *from, const struct chain *x, int j)
{
	*row_vec(to->w[0], j) = vec_add(*row_vec_const(from->w[0], j), x->a);
	*row_vec(to->w[1], j) = vec_add(*row_vec_const(from->w[1], j), x->b);
	*row_vec(to->w[2], j) = vec_add(*row_vec_const(from->w[2], j), x->c);
	*row_vec(to->w[3], j) = vec_add(*row_vec_const(from->w[3], j), x->d);
	*row_vec(to->w[4], j) = vec_add(*row_vec_const(from->w[4], j), x->e);
}

INLINE void chains_load(struct chains *s, const struct lanes_state *from)
{
	chain_load(&s->x[0], from, 0);
	chain_load(&s->x[1], from, 1);
}

INLINE void chains_finish(
	struct lanes_state *to, const struct lanes_state *from, const struct chains *s)
{
	chain_finish(to, from, &s->x[0], 0);
	chain_finish(to, from, &s->x[1], 1);
}

// --- Blocks that all messages have in common -------------------------------------------------

INLINE void five_common(struct chains *s, enum sha1_f f, const uint32_t *wk)
{
#pragma GCC unroll 5
	for (int i = 0; i < 5; i++) {
		vec x = vec_broadcast(wk[i]);

		chain_round(&s->x[0], f, x);
		chain_round(&s->x[1], f, x);
	}
}

static void compress_common(
	struct lanes_state *to, const struct lanes_state *from, const struct common_block *block)
{
	struct chains s;
	int t = 0;

	chains_load(&s, from);
	for (; t < 20; t += 5)
		five_common(&s, CHOOSE, &block->wk[t]);
	for (; t < 40; t += 5)
		five_common(&s, PARITY, &block->wk[t]);
	for (; t < 60; t += 5)
		five_common(&s, MAJORITY, &block->wk[t]);
	for (; t < 80; t += 5)
		five_common(&s, PARITY, &block->wk[t]);
	chains_finish(to, from, &s);
}

// --- Blocks that each message has its own ----------------------------------------------------

// W_t+i-back, of message vector j.
INLINE vec schedule_word(const struct schedule *w, int i, int back, int j)
{
	int at = i + 20 - back;

	return *row_vec_const(w->group[at / 5 % 4][at % 5], j);
}

INLINE vec chain_schedule(struct chain *x, const struct schedule *w, int i, int j)
{
	vec word = vec_xor(schedule_word(w, i, 16, j), schedule_word(w, i, 14, j));

	word = vec_rol1(vec_xor3(word, schedule_word(w, i, 8, j), x->w3));
	*row_vec(w->group[0][i], j) = word;
	x->w3 = x->w2;
	x->w2 = x->w1;
	x->w1 = word;
	return word;
}

INLINE void chains_round(struct chains *s, enum sha1_f f, vec k, const struct schedule *w, int i)
{
	chain_round(&s->x[0], f, vec_add(chain_schedule(&s->x[0], w, i, 0), k));
	chain_round(&s->x[1], f, vec_add(chain_schedule(&s->x[1], w, i, 1), k));
	LOADS_STAY_HERE();
}

INLINE void schedule_turn(struct schedule *w)
{
	uint32_t(*first)[LANES_MAX] = w->group[0];

	w->group[0] = w->group[1];
	w->group[1] = w->group[2];
	w->group[2] = w->group[3];
	w->group[3] = first;
}

INLINE void five(struct chains *s, enum sha1_f f, vec k, struct schedule *w)
{
	chains_round(s, f, k, w, 0);
	chains_round(s, f, k, w, 1);
	chains_round(s, f, k, w, 2);
	chains_round(s, f, k, w, 3);
	chains_round(s, f, k, w, 4);
	schedule_turn(w);
}

// From round t, which is 20 or above and a multiple of five, to the end.
INLINE void rounds_finish(struct chains *s, struct schedule *w, int t)
{
	vec k = vec_broadcast(SHA1_K1);

	for (; t < 40; t += 5)
		five(s, PARITY, k, w);
	k = vec_broadcast(SHA1_K2);
	for (; t < 60; t += 5)
		five(s, MAJORITY, k, w);
	k = vec_broadcast(SHA1_K3);
	for (; t < 80; t += 5)
		five(s, PARITY, k, w);
}

INLINE void given_round(struct chains *s, vec k, uint32_t row[LANES_MAX])
{
	chain_round(&s->x[0], CHOOSE, vec_add(*row_vec(row, 0), k));
	chain_round(&s->x[1], CHOOSE, vec_add(*row_vec(row, 1), k));
	LOADS_STAY_HERE();
}

INLINE void chain_recall(struct chain *x, uint32_t (*last)[LANES_MAX], int j)
{
	x->w1 = *row_vec(last[0], j);
	x->w2 = *row_vec(last[-1], j);
	x->w3 = *row_vec(last[-2], j);
}

// The block stands in the first 16 rows of the ring.
static void compress(uint32_t ring[LANES_RING_ROWS][LANES_MAX], struct lanes_state *to,
	const struct lanes_state *from)
{
	struct schedule w = {{ring + 15, ring, ring + 5, ring + 10}};
	vec k = vec_broadcast(SHA1_K0);
	struct chains s;

	chains_load(&s, from);
	for (int t = 0; t < 15; t += 5) {
		given_round(&s, k, ring[t]);
		given_round(&s, k, ring[t + 1]);
		given_round(&s, k, ring[t + 2]);
		given_round(&s, k, ring[t + 3]);
		given_round(&s, k, ring[t + 4]);
	}
	given_round(&s, k, ring[15]);
	chain_recall(&s.x[0], &ring[15], 0);
	chain_recall(&s.x[1], &ring[15], 1);
	chains_round(&s, CHOOSE, k, &w, 1);
	chains_round(&s, CHOOSE, k, &w, 2);
	chains_round(&s, CHOOSE, k, &w, 3);
	chains_round(&s, CHOOSE, k, &w, 4);
	schedule_turn(&w);
	rounds_finish(&s, &w, 20);
	chains_finish(to, from, &s);
}

// --- Blocks of which each message has the first five words -----------------------------------

// What partial rounds work on.
struct partial {
	uint32_t (*ring)[LANES_MAX];
	const struct lanes_state *own; // W_0 to W_4
	const struct partial_block *block;
};

// W_t, which is not among the common ones.
INLINE vec own_word(const struct partial *p, int t, int j)
{
	if (t < SHA1_DIGEST_WORDS)
		return *row_vec_const(p->own->w[t], j);
	return *row_vec_const(p->ring[t % LANES_RING_ROWS], j);
}

// XOR of those of W_t-3, W_t-8, W_t-14 and W_t-16 that are a message's own, and of the common ones.
INLINE vec partial_sum(const struct chain *x, const struct partial *p, int t, int j)
{
	vec common = vec_broadcast(t < 32 ? p->block->common[t] : 0);

	if (t < 19)
		return vec_xor3(common, own_word(p, t - 16, j), own_word(p, t - 14, j));
	if (t < 21)
		return vec_xor3(common, own_word(p, t - 16, j), x->w3);
	if (t < 24)
		return vec_xor(common, x->w3);
	if (t < 30)
		return vec_xor3(common, own_word(p, t - 8, j), x->w3);
	if (t < 32)
		common = vec_xor(common, own_word(p, t - 14, j));
	else
		common = vec_xor(own_word(p, t - 16, j), own_word(p, t - 14, j));
	return vec_xor3(common, own_word(p, t - 8, j), x->w3);
}

INLINE vec partial_schedule(struct chain *x, const struct partial *p, int t, int j)
{
	vec word = vec_rol1(partial_sum(x, p, t, j));

	*row_vec(p->ring[t % LANES_RING_ROWS], j) = word;
	x->w3 = x->w2;
	x->w2 = x->w1;
	x->w1 = word;
	return word;
}

INLINE void partial_round(struct chains *s, const struct partial *p, int t)
{
	enum sha1_f f = t < 20 ? CHOOSE : PARITY;
	vec k = vec_broadcast(t < 20 ? SHA1_K0 : SHA1_K1);

	chain_round(&s->x[0], f, vec_add(partial_schedule(&s->x[0], p, t, 0), k));
	chain_round(&s->x[1], f, vec_add(partial_schedule(&s->x[1], p, t, 1), k));
	LOADS_STAY_HERE();
}

INLINE void own_round(struct chains *s, const struct partial *p, int t)
{
	vec k = vec_broadcast(SHA1_K0);

	chain_round(&s->x[0], CHOOSE, vec_add(*row_vec_const(p->own->w[t], 0), k));
	chain_round(&s->x[1], CHOOSE, vec_add(*row_vec_const(p->own->w[t], 1), k));
	LOADS_STAY_HERE();
}

INLINE void common_round(struct chains *s, enum sha1_f f, uint32_t wk)
{
	vec x = vec_broadcast(wk);

	chain_round(&s->x[0], f, x);
	chain_round(&s->x[1], f, x);
}

// `own` gives the first five words and may be the same as `to`.
static void compress_partial(uint32_t ring[LANES_RING_ROWS][LANES_MAX], struct lanes_state *to,
	const struct lanes_state *from, const struct lanes_state *own,
	const struct partial_block *block)
{
	const struct partial p = {ring, own, block};
	struct schedule w = {{ring + 15, ring, ring + 5, ring + 10}};
	struct chains s;

	chains_load(&s, from);
	own_round(&s, &p, 0);
	own_round(&s, &p, 1);
	own_round(&s, &p, 2);
	own_round(&s, &p, 3);
	own_round(&s, &p, 4);
	five_common(&s, CHOOSE, &block->wk[5]);
	five_common(&s, CHOOSE, &block->wk[10]);
	common_round(&s, CHOOSE, block->wk[15]);
	partial_round(&s, &p, 16);
	partial_round(&s, &p, 17);
	partial_round(&s, &p, 18);
	partial_round(&s, &p, 19);
	partial_round(&s, &p, 20);
	partial_round(&s, &p, 21);
	partial_round(&s, &p, 22);
	partial_round(&s, &p, 23);
	partial_round(&s, &p, 24);
	partial_round(&s, &p, 25);
	partial_round(&s, &p, 26);
	partial_round(&s, &p, 27);
	partial_round(&s, &p, 28);
	partial_round(&s, &p, 29);
	partial_round(&s, &p, 30);
	partial_round(&s, &p, 31);
	partial_round(&s, &p, 32);
	partial_round(&s, &p, 33);
	partial_round(&s, &p, 34);
	rounds_finish(&s, &w, 35);
	chains_finish(to, from, &s);
}
