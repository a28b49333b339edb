// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "reload.h"

#include <stdio.h>
#include <string.h>

#include "dp.h"
#include "log.h"

// Their members of struct conf are read under conf_lock.
static const char *const live_keys[] = {
	"admin.certificate",
	"admin.keys",
	"admin.operate",
	"admin.private_key",
	"admin.read",
	"admin.tokens",
	"campaign.rate",
	"campaign.sends",
	"campaign.solicit_waits",
	"campaign.solicits",
	"campaign.waits",
	"governor.p99_ms",
	"governor.start",
	"governor.target",
	"log.level",
	"log.target",
	"ua.certificate",
	"ua.private_key",
};

bool reload_is_live(const char *key)
{
	for (size_t i = 0; i < sizeof(live_keys) / sizeof(live_keys[0]); i++)
		if (strcmp(live_keys[i], key) == 0)
			return true;
	return false;
}

// TLS for phones comes and goes with a start: their announcements tell of it.
static bool is_tls_switched(const struct conf *old, const struct conf *fresh)
{
	return (old->ua.certificate[0] == '\0') != (fresh->ua.certificate[0] == '\0');
}

static bool takes_effect(const char *key, const struct conf *old, const struct conf *fresh)
{
	return reload_is_live(key) && (strncmp(key, "ua.", 3) != 0 || !is_tls_switched(old, fresh));
}

// The limits of areas are the one thing in the lists that can change.
static bool is_list_row_live(const struct conf_list *list, const struct conf_row *row)
{
	return strcmp(list->key, "areas") == 0 && strcmp(row->key, "rate") == 0;
}

static bool is_list_changed(const struct conf_list *list, struct conf *old, struct conf *fresh)
{
	unsigned n = *conf_list_count(list, old);

	if (n != *conf_list_count(list, fresh))
		return true;
	for (unsigned i = 0; i < n; i++)
		for (size_t row = 0; row < list->rows_count; row++)
			if (!is_list_row_live(list, &list->rows[row]) &&
				!conf_value_is_equal(&list->rows[row], conf_list_item(list, old, i),
					conf_list_item(list, fresh, i)))
				return true;
	return false;
}

// Areas keep their places while none comes, goes or moves. One whose limit was set by hand keeps
// that, unless its own line of the file has changed. Returns whether any has.
static bool areas_copy(struct ctl *ctl, struct conf *conf, const struct conf *fresh)
{
	bool is_changed = false;

	for (unsigned i = 0; i < conf->areas; i++) {
		if (conf->area[i].rate == fresh->area[i].rate)
			continue;
		is_changed = true;
		conf->area[i].rate = fresh->area[i].rate;
		pthread_mutex_lock(&ctl->dp_lock);
		if (ctl->dp != NULL)
			dp_area_rate_set(ctl->dp, i, (uint32_t)fresh->area[i].rate);
		pthread_mutex_unlock(&ctl->dp_lock);
	}
	return is_changed;
}

static void live_copy(struct ctl *ctl, struct conf *conf, const struct conf *fresh)
{
	pthread_mutex_lock(&ctl->conf_lock);
	conf->campaign = fresh->campaign;
	conf->governor = fresh->governor;
	conf->log = fresh->log;
	conf->admin.read = fresh->admin.read;
	conf->admin.operate = fresh->admin.operate;
	conf->admin.keys = fresh->admin.keys;
	memcpy(conf->admin.certificate, fresh->admin.certificate, CONF_TEXT_MAX);
	memcpy(conf->admin.private_key, fresh->admin.private_key, CONF_TEXT_MAX);
	memcpy(conf->admin.tokens, fresh->admin.tokens, CONF_TEXT_MAX);
	if (!is_tls_switched(conf, fresh)) {
		memcpy(conf->ua.certificate, fresh->ua.certificate, CONF_TEXT_MAX);
		memcpy(conf->ua.private_key, fresh->ua.private_key, CONF_TEXT_MAX);
	}
	pthread_mutex_unlock(&ctl->conf_lock);
	log_level_set((enum log_level)fresh->log.level);
	if (log_target_set((enum log_target)fresh->log.target, NULL) != 0)
		log_warning("no-journal", "effect=\"the log goes to stderr\"");
}

// Keys that have changed, of one kind: one line of the log has them all.
struct changes {
	char keys[1600];
	unsigned n;
};

static void changes_add(struct changes *changes, const char *key)
{
	size_t len = strlen(changes->keys);

	snprintf(changes->keys + len, sizeof(changes->keys) - len, "%s%s", len > 0 ? " " : "", key);
	changes->n++;
}

void reload_apply(struct ctl *ctl, struct conf *conf, struct conf *fresh)
{
	struct changes applied = {0}, waiting = {0};

	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (!conf_value_is_equal(row, conf, fresh))
			changes_add(takes_effect(row->key, conf, fresh) ? &applied : &waiting,
				row->key);
	}
	for (size_t i = 0; i < conf_lists_count; i++) {
		bool is_areas = strcmp(conf_lists[i].key, "areas") == 0;

		if (is_list_changed(&conf_lists[i], conf, fresh))
			changes_add(&waiting, conf_lists[i].key);
		else if (is_areas && areas_copy(ctl, conf, fresh))
			changes_add(&applied, "areas.rate");
	}
	if (applied.n > 0)
		log_info("conf-applied", "keys=\"%s\"", applied.keys);
	if (waiting.n > 0)
		log_warning("conf-needs-restart", "keys=\"%s\"", waiting.keys);
	live_copy(ctl, conf, fresh);
	log_info("reloaded", "applied=%u needs-restart=%u", applied.n, waiting.n);
}
