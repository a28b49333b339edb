// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "push_note.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int push_notes_init(struct push_notes *notes, uint32_t ids)
{
	void *map = mmap(NULL, (size_t)ids * sizeof(*notes->word), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -ENOMEM;
	*notes = (struct push_notes){.word = map, .ids = ids};
	return 0;
}

void push_notes_fini(struct push_notes *notes)
{
	if (notes->word != NULL)
		munmap(notes->word, (size_t)notes->ids * sizeof(*notes->word));
	notes->word = NULL;
}

void push_note_write(struct push_notes *notes, uint32_t id, const struct dp_push_note *note)
{
	uint64_t when = (uint64_t)note->at_s << 32 | (uint64_t)note->group << 16 | note->number;
	uint64_t what = (uint64_t)note->kdi[0] << 40 | (uint64_t)note->kdi[1] << 32 |
		(uint64_t)note->kdi[2] << 24 | (uint64_t)note->state << 16 |
		(uint64_t)note->sends << 8 | note->refusal;

	if (id >= notes->ids)
		return;
	atomic_store_explicit(&notes->word[id][0], when, memory_order_relaxed);
	atomic_store_explicit(&notes->word[id][1], what, memory_order_relaxed);
}

void push_note_read(const struct push_notes *notes, uint32_t id, struct dp_push_note *out)
{
	uint64_t when, what;

	memset(out, 0, sizeof(*out));
	if (id >= notes->ids)
		return;
	when = atomic_load_explicit(&notes->word[id][0], memory_order_relaxed);
	what = atomic_load_explicit(&notes->word[id][1], memory_order_relaxed);
	*out = (struct dp_push_note){
		.at_s = (uint32_t)(when >> 32),
		.group = (uint16_t)(when >> 16),
		.number = (uint16_t)when,
		.kdi = {(uint8_t)(what >> 40), (uint8_t)(what >> 32), (uint8_t)(what >> 24)},
		.state = (uint8_t)(what >> 16),
		.sends = (uint8_t)(what >> 8),
		.refusal = (uint8_t)what,
	};
}
