// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listen.h"

static void value_init(const struct conf_row *row, struct conf *conf)
{
	char why[CONF_WHY_MAX], *save, *part, list[CONF_TEXT_MAX];

	if (!conf_type_is_list(row->type)) {
		conf_value_read(row, row->initial, conf, why);
		return;
	}
	conf_list_clear(row, conf);
	snprintf(list, sizeof(list), "%s", row->initial);
	for (part = strtok_r(list, ", ", &save); part != NULL; part = strtok_r(NULL, ", ", &save))
		conf_value_read(row, part, conf, why);
}

void conf_init(struct conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	for (size_t i = 0; i < conf_rows_count; i++)
		value_init(&conf_rows[i], conf);
}

int conf_set(struct conf *conf, const char *key, const char *value, char why[CONF_WHY_MAX])
{
	for (size_t i = 0; i < conf_rows_count; i++)
		if (strcmp(conf_rows[i].key, key) == 0)
			return conf_value_read(&conf_rows[i], value, conf, why);
	snprintf(why, CONF_WHY_MAX, "there is no key %s", key);
	return -EINVAL;
}

static uint32_t ipv4_bits(const struct conf_ipv4 *ip)
{
	uint32_t be;

	memcpy(&be, ip->byte, sizeof(be));
	return ntohl(be);
}

static int port_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	const struct conf_ipv4 *address = &conf->port.address, *gateway = &conf->port.gateway;
	uint32_t mask = address->prefix == 0 ? 0 : UINT32_MAX << (32 - address->prefix);
	uint64_t rings = conf->port.tx_descriptors + conf->port.rx_descriptors;

	if (address->prefix < 32 && ((ipv4_bits(address) ^ ipv4_bits(gateway)) & mask) != 0) {
		snprintf(why, CONF_WHY_MAX,
			"port.gateway: not within the prefix of port.address (/%u)",
			address->prefix);
		return -EINVAL;
	}
	if (gateway->prefix != 32) {
		snprintf(
			why, CONF_WHY_MAX, "port.gateway: an address without a prefix is expected");
		return -EINVAL;
	}
	if (conf->port.mbufs <= rings) {
		snprintf(why, CONF_WHY_MAX,
			"port.mbufs: %lu are not more than both rings hold (%lu); allowed: more "
			"than "
			"port.tx_descriptors + port.rx_descriptors",
			(unsigned long)conf->port.mbufs, (unsigned long)rings);
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

// Nobody gets at the API over TCP without TLS and a token.
static int admin_check(const struct conf *conf, char why[CONF_WHY_MAX])
{
	const char *const needed[][2] = {{"admin.certificate", conf->admin.certificate},
		{"admin.private_key", conf->admin.private_key},
		{"admin.tokens", conf->admin.tokens}};
	int ret = listen_check("metrics.listen", conf->metrics.listen, why);

	if (ret == 0)
		ret = listen_check("admin.listen", conf->admin.listen, why);
	for (int i = 0; i < 3 && ret == 0 && conf->admin.listen[0] != '\0'; i++) {
		if (needed[i][1][0] != '\0')
			continue;
		snprintf(why, CONF_WHY_MAX, "%s: is needed for admin.listen", needed[i][0]);
		ret = -EINVAL;
	}
	return ret;
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
	return port_check(conf, why);
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

// "store.dir" stands below "store:", which is written once.
void conf_print(const struct conf *conf, FILE *out)
{
	char group[32] = "";

	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		const char *dot = strchr(row->key, '.');
		int len = dot == NULL ? 0 : (int)(dot - row->key);

		if (len > 0 && strncmp(group, row->key, len + 1) != 0)
			fprintf(out, "%.*s:\n", len, row->key);
		snprintf(group, sizeof(group), "%.*s%s", len, row->key, len > 0 ? "." : "");
		comment_print(row->text, len > 0 ? "  " : "", out);
		fprintf(out, "%s%s: ", len > 0 ? "  " : "", len > 0 ? dot + 1 : row->key);
		conf_value_print(row, conf, out);
		fputc('\n', out);
	}
}

int conf_socket_resolve(struct conf *conf, bool is_flag_given, char why[CONF_WHY_MAX])
{
	const char *named = getenv("MSKPUSH_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
	char path[CONF_TEXT_MAX] = "/run/mskpush/admin.sock";

	if (is_flag_given)
		return 0;
	if (named != NULL && *named != '\0')
		return conf_set(conf, "socket", named, why);
	if (conf->socket[0] != '\0')
		return 0;
	if (runtime != NULL && *runtime == '/')
		snprintf(path, sizeof(path), "%.200s/mskpush/admin.sock", runtime);
	return conf_set(conf, "socket", path, why);
}

void conf_defaults_report(const struct conf *conf,
	void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	struct conf *initial = malloc(sizeof(*initial));

	if (initial == NULL)
		return;
	conf_init(initial);
	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		const char *now = (const char *)conf + row->offset;
		const char *then = (const char *)initial + row->offset;
		size_t size = row->type == CONF_IPV4 ? sizeof(struct conf_ipv4) : strlen(then) + 1;

		if (row->is_site_specific && memcmp(now, then, size) == 0)
			fn(arg, row->key, row->initial);
	}
	free(initial);
}
