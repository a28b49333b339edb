// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "writer_news.h"

#include <time.h>

#include "ctl.h"
#include "dp.h"
#include "log.h"

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t writer_version(struct ctl *ctl)
{
	struct store_env_info info = {0};

	return store_env_info(ctl->env, &info) == 0 ? info.version : 0;
}

static int command_send(struct writer_news *news, uint32_t first, uint32_t n, bool has_more)
{
	struct dp_cmd cmd = {
		.kind = DP_CMD_STORE_CHANGED,
		.first = first,
		.n = n,
		.version = writer_version(news->ctl),
		.has_more = has_more,
	};

	return ctl_command(news->ctl, &cmd);
}

// A commit without changes that concern the workers: they need not look at it now, but one that
// sees it has to know that there is nothing in it. The next command says it again if this one
// does not fit.
static void workers_assure(struct writer_news *news)
{
	struct dp_cmd cmd = {.kind = DP_CMD_STORE_KNOWN, .version = writer_version(news->ctl)};

	if (news->changed.n == 0)
		ctl_command(news->ctl, &cmd);
}

void writer_news_tell(struct writer_news *news)
{
	int ret = 0;

	if (!news->is_behind)
		return;
	if (!news->is_urgent && now_ns() - news->told_ns < WRITER_FOLLOW_NS) {
		workers_assure(news);
		return;
	}
	if (news->changed.n == 0)
		ret = command_send(news, 0, 0, false);
	while (ret == 0 && news->changed.n > 0) {
		struct writer_range *last = &news->changed.range[news->changed.n - 1];

		ret = command_send(news, last->first, last->n, news->changed.n > 1);
		if (ret == 0)
			news->changed.n--;
	}
	news->told_ns = now_ns();
	if (ret != 0) {
		log_warning("workers-slow", "why=\"a worker takes no commands\"");
		return;
	}
	news->is_behind = false;
	news->is_urgent = false;
}

void writer_news_add(struct writer_news *news, uint32_t first, uint32_t n)
{
	writer_ranges_add(&news->changed, first, n);
	news->is_urgent = true;
}

void writer_news_init(struct writer_news *news, struct ctl *ctl)
{
	*news = (struct writer_news){.ctl = ctl, .told_ns = now_ns()};
}
