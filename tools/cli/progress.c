// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "print.h"

#include <sys/ioctl.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_MS 100
#define LINE_MS 1000
#define BAR_WIDTH 30

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, int fd)
{
	*p = (struct progress){.fd = fd, .is_terminal = isatty(fd) != 0, .last_ms = INT64_MIN / 2};
}

static int terminal_width(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// What is drawn has to stay on one line of the terminal, or the next one could not replace it.
static void bar_draw(struct progress *p, double fraction, const char *text)
{
	char bar[BAR_WIDTH + 1];
	int full = (int)(fraction * BAR_WIDTH);
	int room = terminal_width(p->fd) - BAR_WIDTH - 10;

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[BAR_WIDTH] = '\0';
	dprintf(p->fd, "\r[%s] %3d %% %.*s\033[K", bar, (int)(fraction * 100), room > 0 ? room : 0,
		text);
	p->is_drawn = true;
}

void progress_show(struct progress *p, double fraction, const char *text)
{
	int64_t now = now_ms();

	if (now - p->last_ms < (p->is_terminal ? BAR_MS : LINE_MS))
		return;
	p->last_ms = now;
	fraction = fraction > 1 ? 1 : fraction >= 0 ? fraction : 0;
	if (p->is_terminal)
		bar_draw(p, fraction, text);
	else
		dprintf(p->fd, "%3d %% %s\n", (int)(fraction * 100), text);
}

void progress_end(struct progress *p)
{
	if (p->is_drawn)
		dprintf(p->fd, "\r\033[K");
	p->is_drawn = false;
}
