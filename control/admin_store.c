// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The store as a whole: its wrapping key, and copies of it.

#include <errno.h>
#include <string.h>

#include "admin.h"
#include "conf.h"
#include "log.h"
#include "rewrap.h"

json_t *admin_wrapping_json(struct ctl *ctl, const struct store_reader *r)
{
	struct store_wrapping wrapping = {.kind = "none"};
	struct rewrap_view view = {0};

	store_wrapping_info(r, &wrapping);
	if (ctl->rewrap != NULL)
		rewrap_view(ctl->rewrap, &view);
	return json_pack("{s:s, s:I, s:b, s:I, s:I}", "kind", wrapping.kind, "data_keys",
		(json_int_t)wrapping.data_keys, "is_sealing", wrapping.below != 0, "sealed",
		(json_int_t)view.sealed, "damaged", (json_int_t)view.damaged);
}

static void wrapping_reply(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_reader *r;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	reply->body = admin_wrapping_json(req->ctl, r);
	ctl_reader_put(req->ctl, r);
}

void admin_key_show(const struct admin_request *req, struct admin_reply *reply)
{
	wrapping_reply(req, reply);
}

struct rotation {
	struct store_rotation *rotation;
	bool is_deep;
};

static int rotation_job(struct store_env *env, void *arg)
{
	struct rotation *r = arg;

	return store_rotation_commit(env, r->rotation, r->is_deep);
}

static int rotation_args(const struct admin_request *req, struct admin_reply *reply,
	const char **source, bool *is_deep)
{
	static const char *const names[] = {"source", "deep", NULL};
	const json_t *text = json_object_get(req->body, "source");
	const json_t *deep = json_object_get(req->body, "deep");

	if (admin_body_check(req, reply, names) != 0)
		return -EINVAL;
	if ((text != NULL && !json_is_string(text)) || (deep != NULL && !json_is_boolean(deep))) {
		admin_error(reply, 400, "bad-value", "source is a text, deep is true or false.");
		return -EINVAL;
	}
	*source = text != NULL ? json_string_value(text) : req->ctl->conf->store.wrapping_key;
	*is_deep = json_is_true(deep);
	return 0;
}

void admin_key_rotate(const struct admin_request *req, struct admin_reply *reply)
{
	struct rotation r = {0};
	const char *source;
	char why[256];
	int ret;

	if (rotation_args(req, reply, &source, &r.is_deep) != 0)
		return;
	ret = store_rotation_prepare(req->ctl->env, source, &r.rotation, why);
	if (ret != 0) {
		admin_error(reply, 400, "bad-key", "%s", why);
		return;
	}
	ret = ctl_writer_exclusive(req->ctl, rotation_job, &r);
	if (ret != 0) {
		admin_error_store(reply, ret, "wrapping key");
		return;
	}
	log_info("key-rotated", "deep=%d", r.is_deep);
	if (r.is_deep)
		rewrap_kick(req->ctl->rewrap);
	wrapping_reply(req, reply);
}

void admin_backup(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"file", NULL};
	const char *file = json_string_value(json_object_get(req->body, "file"));
	struct store_backup_result result;
	char why[256];
	int ret;

	if (admin_body_check(req, reply, names) != 0)
		return;
	if (file == NULL || file[0] != '/') {
		admin_error(reply, 400, "bad-value", "file is an absolute path.");
		return;
	}
	// In the thread of this connection: neither the writer nor anybody else waits for it.
	ret = store_backup(req->ctl->env, file, &result, why);
	if (ret != 0) {
		log_warning("backup-failed", "errno=%d", -ret);
		admin_error(reply, ret == -ENOSPC ? 507 : 400, "no-backup", "%s", why);
		return;
	}
	log_info("backup", "file=\"%s\" bytes=%lu version=%lu", file, (unsigned long)result.bytes,
		(unsigned long)result.version);
	reply->body = json_pack("{s:s, s:I, s:I}", "file", file, "bytes", (json_int_t)result.bytes,
		"version", (json_int_t)result.version);
}
