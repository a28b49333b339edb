// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "csv.h"

static void key_put(FILE *out, const uint8_t key[UE_KEY_BYTES], bool is_there)
{
	char text[2 * UE_KEY_BYTES];

	if (!is_there)
		return;
	ue_hex_put(text, key, UE_KEY_BYTES);
	fwrite(text, 1, sizeof(text), out);
	explicit_bzero(text, sizeof(text));
}

// Quotes what would not read back as one cell (RFC 4180 2.6, 2.7).
static void text_put(FILE *out, const char *text, size_t len)
{
	if (memchr(text, ',', len) == NULL && memchr(text, '"', len) == NULL) {
		fwrite(text, 1, len, out);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			fputc('"', out);
		fputc(text[i], out);
	}
	fputc('"', out);
}

static void row_put(const struct ue_phones *phones, const struct ue_credential *row, FILE *out)
{
	const struct ue_phone *phone = &phones->phones[row->phone];
	const char *services = phones->names[row->services];
	// An empty cell would stand for all of the services.
	bool has_none = row->registered == 0 && row->services != 0;
	const char *registered = has_none ? "-" : phones->names[row->registered];
	char address[UE_ADDRESS_TEXT] = "";

	if (!phone->has_moved && !phone->is_learned)
		ue_address_print(address, &phone->address);
	text_put(out, phone->impi, phone->impi_len);
	fputc(',', out);
	text_put(out, row->btid, row->btid_len);
	fputc(',', out);
	key_put(out, row->muk, true);
	fputc(',', out);
	key_put(out, row->mrk, row->has_mrk);
	fprintf(out, ",%" PRId64 ",%s,%u,%s,", row->expires, address, phone->port,
		row->keys_in_uicc ? "uicc" : "me");
	text_put(out, services, strlen(services));
	fputc(',', out);
	text_put(out, registered, strlen(registered));
	fputc('\n', out);
}

int ue_csv_write(const struct ue_phones *phones, FILE *out)
{
	fputs("impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n", out);
	for (uint32_t i = 0; i < phones->credential_count && !ferror(out); i++)
		row_put(phones, &phones->credentials[i], out);
	if (fflush(out) != 0 || ferror(out))
		return errno != 0 ? -errno : -EIO;
	return 0;
}
