// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "nap.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void nap_begin(struct nap *nap)
{
	atomic_store(&nap->is_begun, 1);
	atomic_thread_fence(memory_order_seq_cst);
}

void nap_sleep(struct nap *nap, uint32_t ns)
{
	struct timespec at_most = {.tv_nsec = ns};

	// Woken, interrupted, too late or ended already: it looks for work in any case.
	syscall(SYS_futex, &nap->is_begun, FUTEX_WAIT_PRIVATE, 1, &at_most, NULL, 0);
	atomic_store_explicit(&nap->is_begun, 0, memory_order_relaxed);
}

void nap_end(struct nap *nap)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&nap->is_begun, memory_order_relaxed) == 0 ||
		atomic_exchange(&nap->is_begun, 0) == 0)
		return;
	syscall(SYS_futex, &nap->is_begun, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
