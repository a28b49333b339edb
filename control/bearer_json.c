// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What people and encryptors see of MTKs, and the events that tell them when to look.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "bearer_inside.h"
#include "dp.h"

// The MKI of SRTP packets: MSK ID and MTK ID, six octets (docs/mikey-profile.md).
static json_t *mki_json(const struct stream *s, const struct mtk_supply *supply, uint16_t mtk_id)
{
	return json_sprintf("%04x%04x%04x", s->bearer.group.group, supply->number, mtk_id);
}

json_t *mtk_entry_json(
	const struct stream *s, const struct mtk_supply *supply, const struct store_mtk *mtk)
{
	return json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:b}", "msk",
		json_sprintf("%04x", supply->number), "mtk_id", mtk->id, "mki",
		mki_json(s, supply, mtk->id), "send", admin_time_ms(mtk->send_ms), "from",
		admin_time_ms(mtk->from_ms), "to", admin_time_ms(mtk->to_ms), "is_dummy",
		(mtk->flags & STORE_MTK_DUMMY) != 0);
}

// --- Streams --------------------------------------------------------------------------------

static json_t *places_json(const struct store_bearer *bearer)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < bearer->places; i++) {
		const uint8_t *addr = bearer->place[i].addr.byte;
		char text[INET6_ADDRSTRLEN];
		struct dp_addr as_dp;
		bool is_v4;

		memcpy(as_dp.byte, addr, sizeof(as_dp.byte));
		is_v4 = dp_addr_is_v4(&as_dp);
		inet_ntop(is_v4 ? AF_INET : AF_INET6, addr + (is_v4 ? 12 : 0), text, sizeof(text));
		json_array_append_new(list,
			json_sprintf(is_v4 ? "%s:%u" : "[%s]:%u", text, bearer->place[i].port));
	}
	return list;
}

static json_t *supply_json(const struct mtk_supply *supply)
{
	if (supply->number == 0)
		return json_null();
	return json_pack("{s:o, s:i, s:i, s:b}", "number", json_sprintf("%04x", supply->number),
		"last_mtk_id", supply->mtks.last_id, "mtk_ids_left", (int)mtk_ids_left(supply),
		"is_barred", supply->mtks.is_barred);
}

static json_t *switch_json(const struct stream *s)
{
	if (stream_target(s) == 1)
		return json_pack("{s:s, s:o}", "state", "overlap", "to",
			json_sprintf("%04x", s->bearer.number));
	if (s->bearer.switch_to == 0)
		return json_null();
	return json_pack("{s:s, s:o, s:i, s:I, s:I}", "state",
		s->bearer.switch_percent == 0 ? "dummies" : "waits", "to",
		json_sprintf("%04x", s->bearer.switch_to), "percent", s->bearer.switch_percent,
		"members", (json_int_t)s->share.members, "have", (json_int_t)s->share.have);
}

static json_t *schedule_json(const struct stream *s, uint64_t now_ms)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < s->supply[k].mtks.count; i++)
			if (s->supply[k].mtks.mtk[i].to_ms > now_ms)
				json_array_append_new(list,
					mtk_entry_json(
						s, &s->supply[k], &s->supply[k].mtks.mtk[i]));
	return list;
}

static json_t *stream_json(const struct stream *s, uint64_t now_ms)
{
	const struct store_bearer *b = &s->bearer;
	json_t *out = json_pack("{s:o, s:b, s:o, s:f, s:f, s:f, s:f, s:b, s:s}", "group",
		admin_group_json(&b->group), "is_on", stream_is_on(s), "to", places_json(b),
		"lead_s", b->lead_ms / 1000.0, "interval_s", b->interval_ms / 1000.0, "repeat_s",
		b->repeat_ms / 1000.0, "dummy_s", b->dummy_ms / 1000.0, "has_salt",
		(b->flags & STORE_BEARER_SALT) != 0, "mtk_rand",
		(b->flags & STORE_BEARER_NO_RAND) != 0 ? "none" : "msk");

	json_object_update_new(out,
		json_pack("{s:s?, s:s?, s:o, s:o, s:o, s:o, s:o}", "waits_for",
			s->wait == MTK_WAIT_NONE ? NULL : mtk_wait_name(s->wait), "why",
			s->wait == MTK_WAIT_NONE ? NULL : mtk_wait_text(s->wait), "msk",
			supply_json(&s->supply[0]), "next_msk", supply_json(&s->supply[1]),
			"switch", switch_json(s), "started", admin_time_s(b->started), "schedule",
			schedule_json(s, now_ms)));
	json_object_update_new(out,
		json_pack("{s:I, s:I, s:I, s:o, s:s}", "sent", (json_int_t)s->sent, "unsent",
			(json_int_t)s->unsent, "last_counter", (json_int_t)s->last_counter,
			"last_sent", admin_time_ms(s->last_sent_ms), "last_verdict",
			dp_mtk_verdict_name(s->last_verdict)));
	return out;
}

json_t *bearers_json(struct bearers *all, const struct store_group_id *group)
{
	json_t *list = json_array();

	pthread_mutex_lock(&all->lock);
	if (all->is_stale)
		streams_load(all);
	for (unsigned i = 0; i < all->n; i++) {
		const struct stream *s = &all->stream[i];

		if (group == NULL || s == stream_find(all, group))
			json_array_append_new(list, stream_json(s, bearers_now(all).unix_ms));
	}
	pthread_mutex_unlock(&all->lock);
	return list;
}

// --- With keys ------------------------------------------------------------------------------

static void keys_add(json_t *list, const struct stream *s, const struct mtk_supply *supply,
	uint64_t from_ms, uint64_t now_ms)
{
	for (unsigned i = 0; i < supply->mtks.count && supply->seq_l <= supply->seq_u; i++) {
		const struct store_mtk *mtk = &supply->mtks.mtk[i];
		json_t *entry;

		if (mtk->to_ms <= from_ms || (mtk->flags & STORE_MTK_DUMMY) != 0)
			continue;
		entry = mtk_entry_json(s, supply, mtk);
		json_object_set_new(entry, "key", admin_hex(mtk->key.byte, sizeof(mtk->key.byte)));
		json_object_set_new(entry, "salt",
			(mtk->flags & STORE_MTK_SALTED) != 0
				? admin_hex(mtk->salt, sizeof(mtk->salt))
				: json_null());
		json_object_set_new(entry, "is_announced", json_boolean(mtk->send_ms <= now_ms));
		json_array_append_new(list, entry);
	}
}

static json_t *schedule_with_keys(struct bearers *all, const struct stream *s, uint64_t from_ms)
{
	struct mtk_supply supply[2];
	struct store_reader *r;
	json_t *list = NULL;

	if (ctl_reader_get(all->ctl, &r) != 0)
		return NULL;
	if (supplies_load(r, &s->bearer.group, supply) == 0) {
		list = json_array();
		for (unsigned k = 0; k < 2; k++)
			keys_add(list, s, &supply[k], from_ms, bearers_now(all).unix_ms);
	}
	explicit_bzero(supply, sizeof(supply));
	ctl_reader_put(all->ctl, r);
	return list;
}

json_t *bearer_schedule_json(
	struct bearers *all, const struct store_group_id *group, uint64_t from_ms)
{
	json_t *out = NULL, *list;
	struct stream *s;

	pthread_mutex_lock(&all->lock);
	if (all->is_stale)
		streams_load(all);
	s = stream_find(all, group);
	// What the mark file does not count yet is shown to nobody.
	if (s != NULL && stream_is_on(s) && stream_is_reserved(all, s)) {
		list = schedule_with_keys(all, s, from_ms);
		if (list != NULL)
			out = json_pack("{s:o, s:o, s:o}", "group",
				admin_group_json(&s->bearer.group), "to", places_json(&s->bearer),
				"mtks", list);
	}
	pthread_mutex_unlock(&all->lock);
	return out;
}

// --- Events ---------------------------------------------------------------------------------

static void listener_drop(struct bearers *all, unsigned i)
{
	close(all->listener[i]);
	all->listener[i] = all->listener[--all->listeners];
}

// A listener that does not keep up, or has gone, is one no more.
static void line_send(struct bearers *all, const char *line, size_t len)
{
	for (unsigned i = all->listeners; i-- > 0;)
		if (write(all->listener[i], line, len) != (ssize_t)len)
			listener_drop(all, i);
}

// Those that have gone while there was nothing to send to them.
static void listeners_tidy(struct bearers *all)
{
	for (unsigned i = all->listeners; i-- > 0;) {
		struct pollfd end = {.fd = all->listener[i]};

		if (poll(&end, 1, 0) > 0 && (end.revents & POLLERR) != 0)
			listener_drop(all, i);
	}
}

void event_send(
	struct bearers *all, const char *name, const struct store_group_id *group, json_t *event)
{
	char *text;

	if (all->listeners > 0 && event != NULL) {
		json_object_set_new(event, "event", json_string(name));
		json_object_set_new(event, "at", admin_time_ms(bearers_now(all).unix_ms));
		json_object_set_new(event, "group", admin_group_json(group));
		text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
		if (text != NULL) {
			size_t len = strlen(text);

			text[len] = '\n';
			line_send(all, text, len + 1);
		}
		free(text);
	}
	json_decref(event);
}

int bearers_listen(struct bearers *all)
{
	int fd[2], ret;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return -errno;
	ret = fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;
	pthread_mutex_lock(&all->lock);
	listeners_tidy(all);
	if (ret == 0 && all->listeners == BEARER_LISTENERS_MAX)
		ret = -EBUSY;
	if (ret == 0)
		all->listener[all->listeners++] = fd[1];
	pthread_mutex_unlock(&all->lock);
	if (ret == 0)
		return fd[0];
	close(fd[0]);
	close(fd[1]);
	return ret;
}
