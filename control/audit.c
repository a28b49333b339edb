// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "campaign.h"
#include "log.h"

#define PATH_KEPT 1024
#define BODY_KEPT 2048

struct audit {
	pthread_mutex_t lock;
	int fd;
	char path[CONF_TEXT_MAX];
	_Atomic uint64_t written, lost;
};

static int file_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

int audit_open(const char *path, struct audit **out, char why[256])
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int fd = audit == NULL ? -ENOMEM : file_open(path);

	if (fd < 0) {
		snprintf(why, 256, "admin.audit: %.150s: %s", path, strerror(-fd));
		free(audit);
		return fd;
	}
	pthread_mutex_init(&audit->lock, NULL);
	audit->fd = fd;
	snprintf(audit->path, sizeof(audit->path), "%s", path);
	*out = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (audit == NULL)
		return;
	close(audit->fd);
	pthread_mutex_destroy(&audit->lock);
	free(audit);
}

int audit_reopen(struct audit *audit)
{
	int fd = file_open(audit->path), old;

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&audit->lock);
	old = audit->fd;
	audit->fd = fd;
	pthread_mutex_unlock(&audit->lock);
	close(old);
	return 0;
}

// Texts come from callers: what is no UTF-8 is named as such.
static json_t *text_json(const char *text)
{
	size_t len = strlen(text);
	json_t *json = json_stringn(text, len < PATH_KEPT ? len : PATH_KEPT);

	return json != NULL ? json : json_string("(no UTF-8)");
}

static void body_add(json_t *line, const json_t *body)
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);

	if (text != NULL && strlen(text) <= BODY_KEPT)
		json_object_set(line, "body", (json_t *)(uintptr_t)body);
	else if (text != NULL)
		json_object_set_new(line, "body", json_string("(too long)"));
	free(text);
}

static const char *const vias[] = {
	[ADMIN_BY_SOCKET] = "socket",
	[ADMIN_BY_TLS] = "tls",
	[ADMIN_BY_CONSOLE] = "console",
	[ADMIN_BY_METRICS] = "metrics",
};

static json_t *line_json(const struct audit_entry *e)
{
	const struct admin_peer *peer = e->peer;
	json_t *line = json_pack("{s:o, s:s, s:o, s:s, s:o, s:i}", "time",
		admin_time_ms(campaign_now_ms()), "via", vias[peer->via], "who",
		text_json(peer->name), "method", e->method, "path", text_json(e->path), "status",
		(int)e->status);

	if (line == NULL)
		return NULL;
	if (peer->via == ADMIN_BY_SOCKET) {
		json_object_set_new(line, "uid", json_integer(peer->uid));
		json_object_set_new(line, "pid", json_integer(peer->pid));
	}
	if (e->error != NULL)
		json_object_set_new(line, "error", json_string(e->error));
	if (e->id != 0)
		json_object_set_new(line, "id", json_integer(e->id));
	body_add(line, e->body);
	return line;
}

// A line as a whole, or nothing of it: what was cut off by a full disk is taken back.
static int line_append(struct audit *audit, const char *text, size_t len)
{
	struct stat before;
	ssize_t n;

	if (fstat(audit->fd, &before) != 0)
		return -errno;
	n = write(audit->fd, text, len);
	if (n == (ssize_t)len)
		return fdatasync(audit->fd) == 0 || errno == EINVAL ? 0 : -errno; // a pipe
	if (n > 0 && ftruncate(audit->fd, before.st_size) != 0)
		return -errno;
	return n < 0 ? -errno : -ENOSPC;
}

void audit_write(struct audit *audit, const struct audit_entry *entry)
{
	json_t *line = line_json(entry);
	char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
	int ret = -ENOMEM;

	if (text != NULL) {
		size_t len = strlen(text);

		text[len] = '\n'; // in the place of its end
		pthread_mutex_lock(&audit->lock);
		ret = line_append(audit, text, len + 1);
		pthread_mutex_unlock(&audit->lock);
	}
	atomic_fetch_add(ret == 0 ? &audit->written : &audit->lost, 1);
	if (ret != 0)
		log_error("audit-not-written",
			"errno=%d who=\"%s\" method=%s path=\"%s\" status=%u", -ret,
			entry->peer->name, entry->method, entry->path, entry->status);
	free(text);
	json_decref(line);
}

void audit_counts_read(const struct audit *audit, struct audit_counts *out)
{
	*out = (struct audit_counts){0};
	if (audit == NULL)
		return;
	out->written = atomic_load(&audit->written);
	out->lost = atomic_load(&audit->lost);
}
