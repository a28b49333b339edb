// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "os.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct os os;

void os_begin(uint64_t seed)
{
	os = (struct os){.is_virtual = true};
	ue_rng_init(&os.rng, seed ^ 0x6f73);
}

void os_end(void)
{
	os.is_virtual = false;
}

int64_t os_true_s(void)
{
	return OS_TRUE_BASE_S + (int64_t)(os.ns / 1000000000u);
}

int64_t os_realtime_s(void)
{
	return os_true_s() + os.clock_error_s;
}

static void timespec_fill(struct timespec *ts, uint64_t ns)
{
	ts->tv_sec = (time_t)(ns / 1000000000u);
	ts->tv_nsec = (long)(ns % 1000000000u);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (!os.is_virtual)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
		timespec_fill(ts, os.ns);
		ts->tv_sec += OS_TRUE_BASE_S + os.clock_error_s;
	} else {
		timespec_fill(ts, os.ns + OS_BOOTED_BEFORE_NS - os.booted_ns);
	}
	return 0;
}

time_t time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
	if (!os.is_virtual)
		return syscall(SYS_getrandom, out, len, flags);
	ue_rng_fill(&os.rng, out, len);
	return (ssize_t)len;
}

// Whoever naps waits for somebody who does not run meanwhile.
int nanosleep(const struct timespec *length, struct timespec *left)
{
	return os.is_virtual ? 0 : (int)syscall(SYS_nanosleep, length, left);
}

// Likewise: nobody will come before the time is over.
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *end)
{
	return os.is_virtual ? ETIMEDOUT : pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, end);
}
