// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	"campaign.waits",
	"log.level",
	"log.target",
};

bool reload_is_live(const char *key)
{
	for (size_t i = 0; i < sizeof(live_keys) / sizeof(live_keys[0]); i++)
		if (strcmp(live_keys[i], key) == 0)
			return true;
	return false;
}

// The value as the file would have it; owned by the caller.
static char *value_text(const struct conf_row *row, const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	conf_value_print(row, conf, out);
	fclose(out);
	return text;
}

static bool is_changed(const struct conf_row *row, const struct conf *old, const struct conf *fresh)
{
	char *before = value_text(row, old), *after = value_text(row, fresh);
	bool is_same = before != NULL && after != NULL && strcmp(before, after) == 0;

	free(before);
	free(after);
	return !is_same;
}

static void live_copy(struct ctl *ctl, struct conf *conf, const struct conf *fresh)
{
	pthread_mutex_lock(&ctl->conf_lock);
	conf->campaign = fresh->campaign;
	conf->log = fresh->log;
	conf->admin.read = fresh->admin.read;
	conf->admin.operate = fresh->admin.operate;
	conf->admin.keys = fresh->admin.keys;
	memcpy(conf->admin.certificate, fresh->admin.certificate, CONF_TEXT_MAX);
	memcpy(conf->admin.private_key, fresh->admin.private_key, CONF_TEXT_MAX);
	memcpy(conf->admin.tokens, fresh->admin.tokens, CONF_TEXT_MAX);
	pthread_mutex_unlock(&ctl->conf_lock);
	log_level_set((enum log_level)fresh->log.level);
	if (log_target_set((enum log_target)fresh->log.target, NULL) != 0)
		log_warning("no-journal", "effect=\"the log goes to stderr\"");
}

void reload_apply(struct ctl *ctl, struct conf *conf, const struct conf *fresh)
{
	unsigned applied = 0, waiting = 0;

	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (!is_changed(row, conf, fresh))
			continue;
		if (reload_is_live(row->key)) {
			applied++;
			log_info("conf-applied", "key=%s", row->key);
		} else {
			waiting++;
			log_warning("conf-needs-restart", "key=%s", row->key);
		}
	}
	live_copy(ctl, conf, fresh);
	log_info("reloaded", "applied=%u needs-restart=%u", applied, waiting);
}
