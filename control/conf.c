// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/conf.h"
#include "conf_dp.h"
#include "listen.h"

static void value_init(const struct conf_row *row, void *base)
{
	char why[CONF_WHY_MAX], *save, *part, list[CONF_TEXT_MAX];

	conf_value_clear(row, base);
	if (!conf_type_is_list(row->type)) {
		conf_value_read(row, row->initial, base, why);
		return;
	}
	snprintf(list, sizeof(list), "%s", row->initial);
	for (part = strtok_r(list, ", ", &save); part != NULL; part = strtok_r(NULL, ", ", &save))
		conf_value_read(row, part, base, why);
}

void conf_item_init(const struct conf_list *list, void *item, bool is_named)
{
	memset(item, 0, list->item_bytes);
	for (size_t i = 0; i < list->rows_count; i++) {
		const struct conf_row *row = &list->rows[i];

		if (is_named && row->is_site_specific)
			conf_value_clear(row, item);
		else if (row->initial[0] != '\0')
			value_init(row, item);
	}
}

void conf_init(struct conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	for (size_t i = 0; i < conf_rows_count; i++)
		value_init(&conf_rows[i], conf);
	for (size_t i = 0; i < conf_lists_count; i++) {
		const struct conf_list *list = &conf_lists[i];

		*conf_list_count(list, conf) = list->initial;
		for (unsigned k = 0; k < list->initial; k++)
			conf_item_init(list, conf_list_item(list, conf, k), false);
	}
}

int conf_set(struct conf *conf, const char *key, const char *value, char why[CONF_WHY_MAX])
{
	for (size_t i = 0; i < conf_rows_count; i++)
		if (strcmp(conf_rows[i].key, key) == 0)
			return conf_value_read(&conf_rows[i], value, conf, why);
	snprintf(why, CONF_WHY_MAX, "there is no key %s", key);
	return -EINVAL;
}

static int gateway_macs_check(const struct conf *conf, unsigned p, char why[CONF_WHY_MAX])
{
	const struct conf_port *port = &conf->port[p];
	char key[24] = "port";

	if (port->gateway_mac.n <= port->gateway.n)
		return 0;
	if (conf->ports > 1)
		snprintf(key, sizeof(key), "ports[%u]", p);
	snprintf(why, CONF_WHY_MAX, "%s.gateway_mac: %u for %u gateways", key, port->gateway_mac.n,
		port->gateway.n);
	return -EINVAL;
}

// What is missing can only be told here: the dataplane knows no absent values.
static int items_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	int ret = 0;

	for (unsigned p = 0; p < conf->ports && ret == 0; p++)
		ret = gateway_macs_check(conf, p, why);
	for (unsigned r = 0; r < conf->routes && ret == 0; r++) {
		if (conf->route[r].to.is_given && conf->route[r].via.is_given)
			continue;
		snprintf(why, CONF_WHY_MAX, "routes[%u].%s: is needed", r,
			conf->route[r].to.is_given ? "via" : "to");
		ret = -EINVAL;
	}
	return ret;
}

// Ports, routes and areas are judged as the dataplane will see them.
static int network_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	struct dp_conf *dp = malloc(sizeof(*dp));
	char what[256] = "no memory";
	int ret = -ENOMEM;

	if (dp != NULL) {
		conf_dp_fill(conf, dp);
		ret = dp_conf_check(dp, what);
	}
	free(dp);
	if (ret != 0)
		snprintf(why, CONF_WHY_MAX, "%s", what);
	return ret;
}

static int ua_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	const char *path = conf->ua.path;

	if ((conf->ua.certificate[0] == '\0') != (conf->ua.private_key[0] == '\0')) {
		snprintf(why, CONF_WHY_MAX,
			"ua.certificate: TLS takes a certificate and a private key; allowed: both, "
			"or none");
		return -EINVAL;
	}
	if (path[0] != '/' || strcspn(path, "?# ") != strlen(path)) {
		snprintf(why, CONF_WHY_MAX,
			"ua.path: \"%.64s\"; allowed: a path such as /keymanagement", path);
		return -EINVAL;
	}
	return 0;
}

static int listen_check(const char *key, const char *text, char why[CONF_WHY_MAX])
{
	if (text[0] == '\0' || listen_is_address(text))
		return 0;
	snprintf(why, CONF_WHY_MAX,
		"%s: \"%.64s\" is no address with a port; allowed: 127.0.0.1:9469, [::1]:9469", key,
		text);
	return -EINVAL;
}

bool conf_console_is_tls(const struct conf *conf)
{
	return conf->console.listen[0] != '\0' && !listen_is_loopback(conf->console.listen);
}

static int needed_check(
	const char *key, const char *value, const char *needed_for, char why[CONF_WHY_MAX])
{
	if (needed_for == NULL || value[0] != '\0')
		return 0;
	snprintf(why, CONF_WHY_MAX, "%s: is needed for %s", key, needed_for);
	return -EINVAL;
}

// Nobody gets at the API over TCP without a token, and from elsewhere not without TLS.
static int admin_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	const char *tls = NULL, *token = NULL; // what needs them
	int ret = listen_check("metrics.listen", conf->metrics.listen, why);

	if (conf->console.listen[0] != '\0')
		token = "console.listen";
	if (conf_console_is_tls(conf))
		tls = "console.listen, which is not loopback";
	if (conf->admin.listen[0] != '\0')
		tls = token = "admin.listen";
	if (ret == 0)
		ret = listen_check("admin.listen", conf->admin.listen, why);
	if (ret == 0)
		ret = listen_check("console.listen", conf->console.listen, why);
	if (ret == 0)
		ret = needed_check("admin.certificate", conf->admin.certificate, tls, why);
	if (ret == 0)
		ret = needed_check("admin.private_key", conf->admin.private_key, tls, why);
	return ret != 0 ? ret : needed_check("admin.tokens", conf->admin.tokens, token, why);
}

int conf_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	int ret = admin_check(conf, why);

	if (ret != 0)
		return ret;
	if (conf->workers.cpus.n != 0 && conf->workers.cpus.n != conf->workers.count) {
		snprintf(why, CONF_WHY_MAX,
			"workers.cpus: %u CPUs for %lu workers; allowed: none, or one for each",
			conf->workers.cpus.n, (unsigned long)conf->workers.count);
		return -EINVAL;
	}
	if (conf->campaign.waits_s.n == 0) {
		snprintf(why, CONF_WHY_MAX, "campaign.waits: at least one is needed");
		return -EINVAL;
	}
	ret = ua_check(conf, why);
	if (ret == 0)
		ret = items_check(conf, why);
	return ret != 0 ? ret : network_check(conf, why);
}

static void comment_print(const char *text, const char *indent, FILE *out)
{
	while (*text != '\0') {
		size_t len = strlen(text);

		if (len > 84) {
			for (len = 84; text[len] != ' '; len--)
				;
		}
		fprintf(out, "%s# %.*s\n", indent, (int)len, text);
		text += len + (text[len] == ' ');
	}
}

static void row_print(const struct conf_row *row, const char *key, const void *base, FILE *out)
{
	fprintf(out, "%s: ", key);
	conf_value_print(row, base, out);
	fputc('\n', out);
}

// The only item of a list, as a group of keys.
static void single_print(const struct conf_list *list, const void *item, FILE *out)
{
	fprintf(out, "%s:\n", list->single);
	for (size_t i = 0; i < list->rows_count; i++) {
		comment_print(list->rows[i].text, "  ", out);
		fputs("  ", out);
		row_print(&list->rows[i], list->rows[i].key, item, out);
	}
}

static void items_print(const struct conf_list *list, struct conf *conf, unsigned n, FILE *out)
{
	comment_print(list->text, "", out);
	for (size_t i = 0; i < list->rows_count; i++) {
		fprintf(out, "#   %s:\n", list->rows[i].key);
		comment_print(list->rows[i].text, "    ", out);
	}
	fprintf(out, n == 0 ? "%s: []\n" : "%s:\n", list->key);
	for (unsigned k = 0; k < n; k++)
		for (size_t i = 0; i < list->rows_count; i++) {
			fputs(i == 0 ? "  - " : "    ", out);
			row_print(&list->rows[i], list->rows[i].key, conf_list_item(list, conf, k),
				out);
		}
}

static void lists_print(const char *before, struct conf *conf, FILE *out)
{
	for (size_t i = 0; i < conf_lists_count; i++) {
		const struct conf_list *list = &conf_lists[i];
		unsigned n = *conf_list_count(list, conf);

		if (strcmp(list->before, before) != 0)
			continue;
		if (n == 1 && list->single != NULL)
			single_print(list, conf_list_item(list, conf, 0), out);
		else
			items_print(list, conf, n, out);
	}
}

// "store.dir" stands below "store:", which is written once.
void conf_print(const struct conf *conf, FILE *out)
{
	char group[32] = "";

	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		const char *dot = strchr(row->key, '.');
		int len = dot == NULL ? 0 : (int)(dot - row->key);

		lists_print(row->key, (struct conf *)(uintptr_t)conf, out);
		if (len > 0 && strncmp(group, row->key, len + 1) != 0)
			fprintf(out, "%.*s:\n", len, row->key);
		snprintf(group, sizeof(group), "%.*s%s", len, row->key, len > 0 ? "." : "");
		comment_print(row->text, len > 0 ? "  " : "", out);
		fputs(len > 0 ? "  " : "", out);
		row_print(row, len > 0 ? dot + 1 : row->key, conf, out);
	}
}

int conf_socket_resolve(struct conf *conf, bool is_flag_given, char why[CONF_WHY_MAX])
{
	const char *named = getenv("MSKPUSH_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
	char path[CONF_TEXT_MAX] = "/run/mskpush/admin.sock";

	if (is_flag_given && conf->socket[0] != '\0')
		return 0;
	if (named != NULL && *named != '\0')
		return conf_set(conf, "socket", named, why);
	if (conf->socket[0] != '\0')
		return 0;
	if (runtime != NULL && *runtime == '/')
		snprintf(path, sizeof(path), "%.200s/mskpush/admin.sock", runtime);
	return conf_set(conf, "socket", path, why);
}

static void default_report(const char *group, const struct conf_row *row,
	void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s%s", group, *group == '\0' ? "" : ".", row->key);
	fn(arg, key, row->initial);
}

void conf_defaults_report(const struct conf *conf,
	void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	struct conf *initial = malloc(sizeof(*initial));

	if (initial == NULL)
		return;
	conf_init(initial);
	for (size_t i = 0; i < conf_rows_count; i++)
		if (conf_rows[i].is_site_specific &&
			conf_value_is_equal(&conf_rows[i], conf, initial))
			default_report("", &conf_rows[i], fn, arg);
	for (size_t k = 0; k < conf_lists_count; k++) {
		const struct conf_list *list = &conf_lists[k];
		const void *item = (const char *)conf + list->offset;

		for (size_t i = 0; i < list->rows_count && list->initial > 0; i++)
			if (list->rows[i].is_site_specific &&
				conf_value_is_equal(
					&list->rows[i], item, conf_list_item(list, initial, 0)))
				default_report(list->single, &list->rows[i], fn, arg);
	}
	free(initial);
}
