// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "export.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void text_write(FILE *out, const char *text)
{
	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void hex_write(FILE *out, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", data[i]);
}

static void address_write(FILE *out, const struct store_addr *addr)
{
	static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const struct store_addr none;
	char text[INET6_ADDRSTRLEN];
	bool is_v4 = memcmp(addr, v4_mapped, sizeof(v4_mapped)) == 0;

	if (memcmp(addr, &none, sizeof(none)) == 0)
		return;
	inet_ntop(is_v4 ? AF_INET : AF_INET6, addr->byte + (is_v4 ? 12 : 0), text, sizeof(text));
	fputs(text, out);
}

static void services_write(FILE *out, const struct store_reader *r, store_set set)
{
	store_service_id ids[STORE_SET_MAX];
	size_t n = store_reader_set(r, set, ids);
	struct store_service service;
	const char *gap = "";

	// Names of services hold neither spaces nor what CSV quotes.
	for (size_t i = 0; i < n; i++) {
		if (store_reader_service(r, ids[i], &service) != 0)
			continue;
		fprintf(out, "%s%s", gap, service.name);
		gap = " ";
	}
}

static void row_write(FILE *out, const struct store_reader *r, const struct store_subscriber *sub)
{
	text_write(out, sub->impi);
	putc(',', out);
	if (sub->flags & STORE_HAS_MUK) {
		text_write(out, sub->btid);
		putc(',', out);
		hex_write(out, sub->muk.byte, sizeof(sub->muk));
		putc(',', out);
		if (sub->flags & STORE_HAS_MRK)
			hex_write(out, sub->mrk.byte, sizeof(sub->mrk));
		fprintf(out, ",%" PRIu32 ",", sub->expires);
	} else {
		fputs(",,,,", out);
	}
	address_write(out, &sub->addr);
	fprintf(out, ",%u,%s,", sub->port, sub->flags & STORE_IN_UICC ? "uicc" : "me");
	services_write(out, r, sub->authorised);
	putc(',', out);
	// An empty cell would mean: with all of them.
	if (sub->registered == STORE_SET_NONE)
		putc('-', out);
	else
		services_write(out, r, sub->registered);
	putc('\n', out);
}

int export_subscribers(const struct store_reader *r, FILE *out,
	void (*note)(void *arg, store_id id, const char *impi), void *arg,
	struct export_result *result)
{
	struct store_subscriber sub;
	int rc = 0;

	*result = (struct export_result){0};
	fputs("impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n", out);
	for (store_id id = 0; id < store_reader_span(r) && !ferror(out); id++) {
		rc = store_reader_subscriber(r, id, &sub);
		if (rc == 0) {
			row_write(out, r, &sub);
			result->subscribers++;
		} else if (rc != -ENOENT) {
			note(arg, id, sub.impi);
			result->damaged++;
		}
	}
	explicit_bzero(&sub, sizeof(sub));
	return 0;
}
