// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "announce.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ua_names.h"

static void escaped_write(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else
			fputc(*text, out);
	}
}

static void base64_write(FILE *out, const uint8_t *data, int len)
{
	unsigned char text[16];

	EVP_EncodeBlock(text, data, len);
	fputs((const char *)text, out);
}

static void server_write(FILE *out, const char *uri)
{
	fputs("    <serverURI>", out);
	escaped_write(out, uri);
	fputs("</serverURI>\n", out);
}

static void servers_write(FILE *out, const struct conf *conf)
{
	const char *listen = conf->ua.listen.n > 0 ? conf->ua.listen.value[0] : ":8080";
	char uri[4 * CONF_TEXT_MAX];

	for (unsigned i = 0; i < conf->ua.servers.n; i++)
		server_write(out, conf->ua.servers.value[i]);
	if (conf->ua.servers.n > 0)
		return;
	snprintf(uri, sizeof(uri), "%s://%s%s%s",
		conf->ua.certificate[0] != '\0' ? "https" : "http", conf->fqdn,
		strrchr(listen, ':') != NULL ? strrchr(listen, ':') : "", conf->ua.path);
	server_write(out, uri);
}

static bool group_is(const struct store_group_id *a, const struct store_group_id *b)
{
	return a->group == b->group && memcmp(a->kdi, b->kdi, sizeof(a->kdi)) == 0;
}

// Key Number 0: the current MSK.
static void msk_write(FILE *out, const struct store_group_id *group)
{
	const uint8_t id[4] = {(uint8_t)(group->group >> 8), (uint8_t)group->group, 0, 0};

	fputs("    <" UA_XML_MSK "><" UA_XML_DOMAIN ">", out);
	base64_write(out, group->kdi, sizeof(group->kdi));
	fputs("</" UA_XML_DOMAIN "><" UA_XML_MSK_ID ">", out);
	base64_write(out, id, sizeof(id));
	fputs("</" UA_XML_MSK_ID "></" UA_XML_MSK ">\n", out);
}

static void key_write(FILE *out, const struct announce *a, const struct announce_key *key)
{
	fputs("  <keyId>\n", out);
	for (unsigned i = 0; i < a->flows; i++) {
		if (!group_is(&a->flow[i].group, &key->group))
			continue;
		fputs("    <mediaFlow flowID=\"", out);
		escaped_write(out, a->flow[i].id);
		fputs("\"/>\n", out);
	}
	if (key->profile == STORE_PROFILE_V600)
		fprintf(out, "    <" UA_XML_GROUP ">%04x</" UA_XML_GROUP ">\n", key->group.group);
	else
		msk_write(out, &key->group);
	fputs("  </keyId>\n", out);
}

char *announce_write(const struct announce *a)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<" UA_XML_DESCRIPTION_ROOT " xmlns=\"" UA_XML_DESCRIPTION_NAMESPACE "\"\n"
		"    confidentialityProtection=\"%s\" integrityProtection=\"%s\" "
		"uiccKeyManagement=\"true\">\n"
		"  <keyManagement waitTime=\"%" PRIu64 "\" maxBackOff=\"%" PRIu64 "\">\n",
		a->has_confidentiality ? "true" : "false", a->has_integrity ? "true" : "false",
		a->conf->ua.wait_time_s, a->conf->ua.max_back_off_s);
	servers_write(out, a->conf);
	fputs("  </keyManagement>\n", out);
	for (unsigned i = 0; i < a->keys; i++)
		key_write(out, a, &a->key[i]);
	fputs("</" UA_XML_DESCRIPTION_ROOT ">\n", out);
	fclose(out);
	return text;
}
