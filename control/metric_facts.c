// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "metric_facts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin.h"
#include "conf.h"

#define FDS_TRIED 65536

static void ports_read(const struct dp *dp, struct metric_facts *f)
{
	for (unsigned p = 0; p < f->status.ports; p++)
		for (unsigned q = 0; q < f->status.workers; q++)
			dp_queue_stats_read(dp, p, q, &f->queue[p][q]);
}

static void areas_read(const struct ctl *ctl, struct metric_facts *f)
{
	for (unsigned i = 0; i < ctl->conf->areas; i++) {
		dp_area_stats_read(ctl->dp, i, &f->area[i]);
		f->area_rate[i] = dp_area_rate(ctl->dp, i);
	}
	dp_area_stats_read(ctl->dp, DP_AREAS_MAX, &f->area[ctl->conf->areas]);
}

static void dataplane_read(struct ctl *ctl, struct metric_facts *f)
{
	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL) {
		dp_status_read(ctl->dp, &f->status);
		dp_stats_read(ctl->dp, -1, &f->sum);
		for (unsigned i = 0; i < f->status.workers; i++)
			dp_stats_read(ctl->dp, (int)i, &f->worker[i]);
		ports_read(ctl->dp, f);
		areas_read(ctl, f);
		f->solicit_rate = dp_solicit_rate(ctl->dp);
	}
	pthread_mutex_unlock(&ctl->dp_lock);
}

static void ua_read(struct ctl *ctl, struct metric_facts *f)
{
	ua_stats_read(ctl->ua, &f->ua);
	if (ua_key_source(ctl->ua) != NULL)
		key_source_stats_read(ua_key_source(ctl->ua), &f->key_source);
}

static void campaigns_read(struct ctl *ctl, struct store_reader *r, struct metric_facts *f)
{
	uint32_t ids[DP_CAMPAIGNS_MAX];
	size_t n = campaigns_open(ctl, ids, DP_CAMPAIGNS_MAX);

	for (size_t i = 0; i < n; i++) {
		struct campaign_view *view = &f->campaign[f->campaigns];

		if (campaign_view(ctl, r, ids[i], view) != 0)
			continue;
		admin_group_text(&view->record.group, f->group[f->campaigns]);
		f->campaigns++;
	}
}

static void store_read(struct ctl *ctl, struct store_reader *r, struct metric_facts *f)
{
	struct store_service service = {0};
	struct store_group group = {0};

	store_env_info(ctl->env, &f->store);
	while (store_reader_service_next(r, service.id, &service) == 0)
		f->services++;
	while (store_reader_group_next(r, &group.id, &group) == 0)
		f->groups++;
	f->subscribers = store_reader_subscriber_count(r);
	f->damaged = store_reader_damaged(r);
}

static double fds_try(void)
{
	struct rlimit limit = {0};
	double n = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t fd = 0; fd < limit.rlim_cur && fd < FDS_TRIED; fd++)
		n += fcntl((int)fd, F_GETFD) >= 0;
	return n;
}

static double fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	double n = -3; // ".", ".." and the directory itself

	// Who cannot be dumped cannot read it either, unless he is root.
	if (dir == NULL)
		return fds_try();
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void process_read(struct ctl *ctl, struct metric_facts *f)
{
	unsigned long total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	struct rusage usage = {0};
	struct rlimit limit = {0};

	if (file != NULL && fscanf(file, "%lu %lu", &total, &resident) != 2)
		total = resident = 0;
	if (file != NULL)
		fclose(file);
	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &limit);
	f->virtual_bytes = (double)total * (double)sysconf(_SC_PAGESIZE);
	f->resident_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
	f->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	f->start_s = (double)ctl->started_ms / 1000;
	f->open_fds = fds_open();
	f->max_fds = (double)limit.rlim_cur;
}

struct metric_facts *metric_facts_collect(struct ctl *ctl)
{
	struct metric_facts *f = calloc(1, sizeof(*f));
	struct store_reader *r;

	if (f == NULL)
		return NULL;
	f->ctl = ctl;
	dataplane_read(ctl, f);
	if (ctl_reader_get(ctl, &r) == 0) {
		store_read(ctl, r, f);
		campaigns_read(ctl, r, f);
		metric_expiry_read(ctl, r, f);
		ctl_reader_put(ctl, r);
	}
	ua_read(ctl, f);
	bearers_count(ctl->bearers, &f->mtk);
	process_read(ctl, f);
	log_counts_read(&f->log);
	audit_counts_read(ctl->audit, &f->audit);
	return f;
}
