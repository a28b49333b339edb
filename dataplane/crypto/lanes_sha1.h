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

INLINE void common_round(struct chains *s, enum sha1_f f, uint32_t wk)
{
	vec x = vec_broadcast(wk);

	chain_round(&s->x[0], f, x);
	chain_round(&s->x[1], f, x);
}

INLINE void twenty_common(struct chains *s, enum sha1_f f, const uint32_t *wk)
{
	for (int i = 0; i < 20; i += 5) {
		common_round(s, f, wk[i]);
		common_round(s, f, wk[i + 1]);
		common_round(s, f, wk[i + 2]);
		common_round(s, f, wk[i + 3]);
		common_round(s, f, wk[i + 4]);
	}
}

static void compress_common(
	struct lanes_state *to, const struct lanes_state *from, const struct common_block *block)
{
	struct chains s;

	chains_load(&s, from);
	twenty_common(&s, CHOOSE, block->wk);
	for (int t = 20;; t += 40) {
		twenty_common(&s, PARITY, block->wk + t);
		if (t == 60)
			break;
		twenty_common(&s, MAJORITY, block->wk + t + 20);
	}
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

INLINE void twenty(struct chains *s, enum sha1_f f, uint32_t k, struct schedule *w)
{
	vec x = vec_broadcast(k);

	for (int i = 0; i < 20; i += 5)
		five(s, f, x, w);
}

INLINE void given_round(struct chains *s, vec k, uint32_t row[LANES_MAX])
{
	chain_round(&s->x[0], CHOOSE, vec_add(*row_vec(row, 0), k));
	chain_round(&s->x[1], CHOOSE, vec_add(*row_vec(row, 1), k));
	LOADS_STAY_HERE();
}

INLINE void five_given(struct chains *s, uint32_t (*rows)[LANES_MAX])
{
	vec k = vec_broadcast(SHA1_K0);

	given_round(s, k, rows[0]);
	given_round(s, k, rows[1]);
	given_round(s, k, rows[2]);
	given_round(s, k, rows[3]);
	given_round(s, k, rows[4]);
}

// Rounds 5 to 15 of a block that has common words there, and puts those into the ring.
INLINE void rounds_digest(
	struct chains *s, uint32_t (*ring)[LANES_MAX], const struct digest_block *block)
{
	for (int t = 5; t < 16; t++)
		*row_vec(ring[t], 0) = *row_vec(ring[t], 1) = vec_broadcast(block->w[t]);
	for (int t = 5; t < 15; t += 5) {
		common_round(s, CHOOSE, block->wk[t]);
		common_round(s, CHOOSE, block->wk[t + 1]);
		common_round(s, CHOOSE, block->wk[t + 2]);
		common_round(s, CHOOSE, block->wk[t + 3]);
		common_round(s, CHOOSE, block->wk[t + 4]);
	}
	common_round(s, CHOOSE, block->wk[15]);
}

INLINE void chain_recall(struct chain *x, uint32_t (*ring)[LANES_MAX], int j)
{
	x->w1 = *row_vec(ring[15], j);
	x->w2 = *row_vec(ring[14], j);
	x->w3 = *row_vec(ring[13], j);
}

// Also compresses blocks that are all in the ring, where `block` is NULL: both kinds share most of
// the code, and little code that stays in the cache beats more code with fewer instructions.
static __attribute__((noinline)) void compress_digest(struct lanes_scratch *scratch,
	struct lanes_state *to, const struct lanes_state *from, const struct digest_block *block)
{
	uint32_t(*ring)[LANES_MAX] = scratch->ring;
	struct schedule w = {{ring + 15, ring, ring + 5, ring + 10}};
	vec k0 = vec_broadcast(SHA1_K0);
	struct chains s;

	chains_load(&s, from);
	for (int t = 0; t < (block != NULL ? 5 : 15); t += 5)
		five_given(&s, ring + t);
	if (block != NULL)
		rounds_digest(&s, ring, block);
	else
		given_round(&s, k0, ring[15]);
	chain_recall(&s.x[0], ring, 0);
	chain_recall(&s.x[1], ring, 1);
	chains_round(&s, CHOOSE, k0, &w, 1);
	chains_round(&s, CHOOSE, k0, &w, 2);
	chains_round(&s, CHOOSE, k0, &w, 3);
	chains_round(&s, CHOOSE, k0, &w, 4);
	schedule_turn(&w);
	for (uint32_t k = SHA1_K1;; k = SHA1_K3) {
		twenty(&s, PARITY, k, &w);
		if (k == SHA1_K3)
			break;
		twenty(&s, MAJORITY, SHA1_K2, &w);
	}
	chains_finish(to, from, &s);
}

static void compress(
	struct lanes_scratch *scratch, struct lanes_state *to, const struct lanes_state *from)
{
	compress_digest(scratch, to, from, NULL);
}
