// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "vault.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "reader.h"

#define PAGE_BYTES 4096

static _Atomic uint64_t locked_bytes, unlocked_bytes;

// The last word of the mapping tells whether it was locked.
struct tail {
	uint64_t is_locked;
};

static size_t whole_pages(size_t bytes)
{
	return (bytes + sizeof(struct tail) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static struct tail *tail_of(void *p, size_t size)
{
	return (struct tail *)((uint8_t *)p + size) - 1;
}

void *vault_alloc(size_t bytes)
{
	size_t size = whole_pages(bytes);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_DONTDUMP);
	// Page by page as it is used: a worker must not wait for all of them.
	tail_of(p, size)->is_locked = mlock2(p, size, MLOCK_ONFAULT) == 0;
	atomic_fetch_add(tail_of(p, size)->is_locked ? &locked_bytes : &unlocked_bytes, size);
	return p;
}

bool vault_is_locked(void *p, size_t bytes)
{
	return tail_of(p, whole_pages(bytes))->is_locked;
}

void vault_free(void *p, size_t bytes)
{
	size_t size = whole_pages(bytes);

	if (p == NULL)
		return;
	atomic_fetch_sub(tail_of(p, size)->is_locked ? &locked_bytes : &unlocked_bytes, size);
	explicit_bzero(p, size);
	munmap(p, size);
}

void store_memory_info(struct store_memory_info *out)
{
	out->locked_bytes = atomic_load(&locked_bytes);
	out->unlocked_bytes = atomic_load(&unlocked_bytes);
}
