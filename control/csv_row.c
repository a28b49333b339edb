// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv_row.h"

#include "gba.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define MIKEY_PORT 2269 // TS 33.246 6.3.2.1

static const char *const column_names[CSV_COLUMN_COUNT] = {
	[CSV_IMPI] = "impi",
	[CSV_BTID] = "btid",
	[CSV_MUK] = "muk",
	[CSV_MRK] = "mrk",
	[CSV_EXPIRES] = "expires",
	[CSV_ADDRESS] = "address",
	[CSV_PORT] = "port",
	[CSV_KEYS_IN] = "keys_in",
	[CSV_SERVICES] = "services",
	[CSV_REGISTERED] = "registered",
	[CSV_KS_NAF] = "ks_naf",
	[CSV_KS_EXT_NAF] = "ks_ext_naf",
	[CSV_KS_INT_NAF] = "ks_int_naf",
};

const char *csv_column_name(enum csv_column column)
{
	return column_names[column];
}

enum csv_column csv_column_find(struct csv_text name)
{
	unsigned i = 0;

	while (i < CSV_COLUMN_COUNT &&
		(strlen(column_names[i]) != name.len ||
			memcmp(column_names[i], name.data, name.len) != 0))
		i++;
	return i;
}

static int refuse(struct csv_error *error, enum csv_column column, const char *why)
{
	csv_error_set(error, column_names[column], "%s", why);
	return -EINVAL;
}

static bool is_text(struct csv_text cell, const char *text)
{
	return cell.len == strlen(text) && strncasecmp(cell.data, text, cell.len) == 0;
}

static bool has(const struct csv_cells *cells, enum csv_column column)
{
	return cells->cell[column].len != 0;
}

static int names_read(
	const struct csv_cells *cells, struct store_subscriber *sub, struct csv_error *error)
{
	struct csv_text btid = cells->cell[CSV_BTID];
	const char *at;

	if (csv_cell_nai(cells->cell[CSV_IMPI], sub->impi) != 0)
		return refuse(error, CSV_IMPI,
			"has to be 1 to 253 octets of UTF-8 without blanks and control characters");
	if (btid.len == 0)
		return 0;
	if (csv_cell_nai(btid, sub->btid) != 0)
		return refuse(error, CSV_BTID,
			"has to be 1 to 253 octets of UTF-8 without blanks and control characters");
	at = memchr(btid.data, '@', btid.len);
	if (at == NULL || memchr(at + 1, '@', btid.len - (size_t)(at + 1 - btid.data)) != NULL)
		return refuse(error, CSV_BTID, "has to hold exactly one '@'");
	return 0;
}

static int place_read(
	const struct csv_cells *cells, struct store_subscriber *sub, struct csv_error *error)
{
	struct csv_text keys_in = cells->cell[CSV_KEYS_IN];

	sub->port = MIKEY_PORT;
	if (has(cells, CSV_ADDRESS) && csv_cell_address(cells->cell[CSV_ADDRESS], &sub->addr) != 0)
		return refuse(error, CSV_ADDRESS, "is no IPv4 or IPv6 address of a host");
	if (has(cells, CSV_PORT) && csv_cell_port(cells->cell[CSV_PORT], &sub->port) != 0)
		return refuse(error, CSV_PORT, "has to be a number from 1 to 65535");
	if (is_text(keys_in, "uicc"))
		sub->flags |= STORE_IN_UICC;
	else if (keys_in.len != 0 && !is_text(keys_in, "me"))
		return refuse(error, CSV_KEYS_IN, "has to be me or uicc");
	return 0;
}

// Reads a key column. 1: there is one, 0: the cell is empty.
static int key_read(const struct csv_cells *cells, enum csv_column column,
	struct store_secret32 *key, struct csv_error *error)
{
	if (!has(cells, column))
		return 0;
	if (csv_cell_key(cells->cell[column], key->byte) != 0)
		return refuse(error, column, "has to be 64 hex digits");
	return 1;
}

// The keys of the bootstrapping, for whichever place they are kept in. Returns 1 when the row
// brings them, 0 when it has none.
static int bootstrapped_derive(const struct csv_cells *cells, struct gba *gba, bool is_uicc,
	struct store_secret32 derived[2], struct csv_error *error)
{
	enum csv_column first = is_uicc || has(cells, CSV_KS_EXT_NAF) ? CSV_KS_EXT_NAF : CSV_KS_NAF;
	struct store_secret32 ks, ks_int;
	int found, err = 0;

	if (is_uicc && has(cells, CSV_KS_NAF))
		return refuse(error, CSV_KS_NAF, "is for keys in the ME, and keys_in says uicc");
	if (!is_uicc && has(cells, CSV_KS_INT_NAF))
		return refuse(error, CSV_KS_INT_NAF,
			"is for keys in the UICC, and keys_in does not say uicc");
	if (has(cells, CSV_KS_NAF) && has(cells, CSV_KS_EXT_NAF))
		return refuse(error, CSV_KS_NAF, "and ks_ext_naf cannot both be given");
	if (is_uicc && has(cells, CSV_KS_EXT_NAF) != has(cells, CSV_KS_INT_NAF))
		return refuse(error, has(cells, CSV_KS_EXT_NAF) ? CSV_KS_INT_NAF : CSV_KS_EXT_NAF,
			"is missing: keys in the UICC need ks_ext_naf and ks_int_naf");
	found = key_read(cells, first, &ks, error);
	if (found == 1 && is_uicc)
		found = key_read(cells, CSV_KS_INT_NAF, &ks_int, error);
	if (found == 1 && is_uicc)
		gba_derive_uicc(ks.byte, ks_int.byte, derived[0].byte, derived[1].byte);
	else if (found == 1)
		err = gba_derive_me(gba, ks.byte, derived[0].byte, derived[1].byte);
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(&ks_int, sizeof(ks_int));
	return err != 0 ? refuse(error, first, "could not be used: OpenSSL failed") : found;
}

// A key given as such and one derived from the bootstrapping have to agree.
static int keys_merge(const struct csv_cells *cells, enum csv_column column,
	const struct store_secret32 *derived, struct store_secret32 *key, struct csv_error *error)
{
	int found = key_read(cells, column, key, error);

	if (found < 0 || derived == NULL)
		return found;
	if (found == 1 && memcmp(key, derived, sizeof(*key)) != 0)
		return refuse(error, column, "is not the key that the ks_ columns lead to");
	*key = *derived;
	return 1;
}

static int keys_read(const struct csv_cells *cells, struct gba *gba, struct store_subscriber *sub,
	struct csv_error *error)
{
	struct store_secret32 derived[2];
	bool is_uicc = (sub->flags & STORE_IN_UICC) != 0;
	int found = bootstrapped_derive(cells, gba, is_uicc, derived, error);
	int muk = found, mrk = found;

	if (found >= 0)
		muk = keys_merge(cells, CSV_MUK, found ? &derived[0] : NULL, &sub->muk, error);
	if (muk >= 0)
		mrk = keys_merge(cells, CSV_MRK, found ? &derived[1] : NULL, &sub->mrk, error);
	if (found == 1)
		explicit_bzero(derived, sizeof(derived));
	if (found < 0 || muk < 0 || mrk < 0)
		return -EINVAL;
	if (muk == 1)
		sub->flags |= STORE_HAS_MUK;
	if (mrk == 1)
		sub->flags |= STORE_HAS_MRK;
	return 0;
}

// B-TID, MUK and expiry are one: all or none. An MRK alone belongs to nothing.
static int bootstrap_check(
	const struct csv_cells *cells, struct store_subscriber *sub, struct csv_error *error)
{
	bool has_muk = (sub->flags & STORE_HAS_MUK) != 0;

	if (!has(cells, CSV_BTID) && !has_muk && !has(cells, CSV_EXPIRES)) {
		if (sub->flags & STORE_HAS_MRK)
			return refuse(
				error, CSV_MRK, "cannot be there without btid, muk and expires");
		return 0;
	}
	if (!has(cells, CSV_BTID))
		return refuse(error, CSV_BTID, "is missing: btid, muk and expires go together");
	if (!has_muk)
		return refuse(error, CSV_MUK, "is missing: btid, muk and expires go together");
	if (!has(cells, CSV_EXPIRES))
		return refuse(error, CSV_EXPIRES, "is missing: btid, muk and expires go together");
	if (csv_cell_time(cells->cell[CSV_EXPIRES], &sub->expires) != 0)
		return refuse(error, CSV_EXPIRES,
			"has to be a time as 2026-12-01T00:00:00Z or Unix seconds, before 2106");
	return 0;
}

int csv_row_read(const struct csv_cells *cells, struct gba *gba, struct store_subscriber *sub,
	struct csv_error *error)
{
	int err;

	memset(sub, 0, sizeof(*sub));
	err = names_read(cells, sub, error);
	if (err == 0)
		err = place_read(cells, sub, error);
	if (err == 0)
		err = keys_read(cells, gba, sub, error);
	if (err == 0)
		err = bootstrap_check(cells, sub, error);
	if (err != 0)
		explicit_bzero(sub, sizeof(*sub));
	return err;
}
