// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "cli.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t was_pressed;

static void note(int signal)
{
	(void)signal;
	was_pressed = 1;
}

void interrupt_catch(void)
{
	const struct sigaction action = {.sa_handler = note};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool is_interrupted(void)
{
	return was_pressed != 0;
}

void interrupt_sleep_ms(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	if (!is_interrupted())
		nanosleep(&t, NULL);
}
