// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv.h"
#include "csv_cells.h"
#include "gba.h"

enum column {
	IMPI,
	BTID,
	MUK,
	MRK,
	EXPIRES,
	ADDRESS,
	PORT,
	KEYS_IN,
	SERVICES,
	REGISTERED,
	KS_NAF,
	KS_EXT_NAF,
	KS_INT_NAF,
	COLUMN_COUNT,
	COLUMN_OTHER = COLUMN_COUNT, // passed over
};

static const char *const column_names[COLUMN_COUNT] = {"impi", "btid", "muk", "mrk", "expires",
	"address", "port", "keys_in", "services", "registered", "ks_naf", "ks_ext_naf",
	"ks_int_naf"};

#define COLUMNS_MAX 64

struct reader {
	struct ue_phones *phones;
	struct ue_csv_text text;
	uint8_t order[COLUMNS_MAX]; // which column stands where
	unsigned columns;
	bool has_registered;
	char *why;
};

// Notes what is wrong at the present line; column COLUMN_OTHER for the line as a whole.
static int line_fail(struct reader *reader, enum column column, const char *cause)
{
	if (column < COLUMN_COUNT)
		snprintf(reader->why, UE_WHY_BYTES, "line %zu, column %s: %s", reader->text.line,
			column_names[column], cause);
	else
		snprintf(reader->why, UE_WHY_BYTES, "line %zu: %s", reader->text.line, cause);
	return -EINVAL;
}

static enum column column_find(const struct ue_cell *cell)
{
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (strlen(column_names[i]) == cell->len &&
			memcmp(column_names[i], cell->text, cell->len) == 0)
			return (enum column)i;
	}
	return COLUMN_OTHER;
}

static int header_read(struct reader *reader)
{
	bool is_there[COLUMN_COUNT + 1] = {false};
	struct ue_cell line, cell;
	const char *at;

	if (reader->text.end - reader->text.at >= 3 &&
		memcmp(reader->text.at, "\xef\xbb\xbf", 3) == 0)
		reader->text.at += 3;
	if (!ue_csv_line(&reader->text, &line))
		return line_fail(reader, COLUMN_OTHER, "there is no header line");
	at = line.text;
	while (ue_csv_cell(&reader->text, &at, line.text + line.len, &cell)) {
		enum column column = column_find(&cell);

		if (reader->columns == COLUMNS_MAX)
			return line_fail(reader, COLUMN_OTHER, "too many columns");
		if (column < COLUMN_COUNT && is_there[column])
			return line_fail(reader, column, "named twice");
		is_there[column] = true;
		reader->order[reader->columns++] = (uint8_t)column;
	}
	if (at <= line.text + line.len)
		return line_fail(
			reader, COLUMN_OTHER, "a quoted cell does not end where it should");
	reader->has_registered = is_there[REGISTERED];
	if (!is_there[IMPI])
		return line_fail(reader, IMPI, "missing from the header line");
	return 0;
}

static int cells_read(struct reader *reader, const struct ue_cell *line, struct ue_cell *cells)
{
	const char *at = line->text;
	unsigned n = 0;
	struct ue_cell cell;

	while (ue_csv_cell(&reader->text, &at, line->text + line->len, &cell)) {
		if (n == reader->columns)
			return line_fail(
				reader, COLUMN_OTHER, "more cells than the header has columns");
		cells[reader->order[n++]] = cell;
	}
	if (at <= line->text + line->len)
		return line_fail(
			reader, COLUMN_OTHER, "a quoted cell does not end where it should");
	if (n < reader->columns)
		return line_fail(reader, COLUMN_OTHER, "fewer cells than the header has columns");
	return 0;
}

// A key of 64 digits. An empty cell is no key.
static int key_read(struct reader *reader, const struct ue_cell *cells, enum column column,
	uint8_t key[UE_KEY_BYTES], bool *is_there)
{
	const struct ue_cell *cell = &cells[column];

	*is_there = cell->len > 0;
	if (cell->len > 0 && !ue_hex_get(key, UE_KEY_BYTES, cell->text, cell->len))
		return line_fail(reader, column, "not 64 hexadecimal digits");
	return 0;
}

// Takes `derived` for *key, or checks it against a key that the row gives as well.
static int key_agree(struct reader *reader, enum column column, uint8_t key[UE_KEY_BYTES],
	bool *is_there, const uint8_t derived[UE_KEY_BYTES])
{
	if (*is_there && memcmp(key, derived, UE_KEY_BYTES) != 0)
		return line_fail(reader, column, "differs from what the Ks columns give");
	memcpy(key, derived, UE_KEY_BYTES);
	*is_there = true;
	return 0;
}

// Spec 4.3. Keys in the UICC: MUK is Ks_int_NAF and MRK is Ks_ext_NAF. Keys in the ME: MUK is
// Ks_(ext)_NAF itself and MRK is derived from it.
static int ks_read(
	struct reader *reader, const struct ue_cell *cells, struct ue_row *row, bool *has_muk)
{
	uint8_t ks[UE_KEY_BYTES], other[UE_KEY_BYTES];
	bool has_naf, has_ext, has_int;
	int rc = key_read(reader, cells, KS_NAF, ks, &has_naf);

	if (rc == 0)
		rc = key_read(reader, cells, KS_EXT_NAF, has_naf ? other : ks, &has_ext);
	if (rc == 0)
		rc = key_read(reader, cells, KS_INT_NAF, other, &has_int);
	if (rc != 0 || (!has_naf && !has_ext && !has_int))
		return rc;
	if (has_naf && (has_ext || has_int))
		return line_fail(reader, KS_NAF, "given together with keys of a GBA_U run");
	if (row->keys_in_uicc) {
		if (!has_ext || !has_int)
			return line_fail(reader, KS_INT_NAF, "needs ks_ext_naf and ks_int_naf");
		rc = key_agree(reader, MUK, row->muk, has_muk, other);
		return rc != 0 ? rc : key_agree(reader, MRK, row->mrk, &row->has_mrk, ks);
	}
	if (has_int && !has_ext)
		return line_fail(reader, KS_INT_NAF, "is for keys in the UICC");
	rc = key_agree(reader, MUK, row->muk, has_muk, ks);
	ue_mrk(ks, other);
	return rc != 0 ? rc : key_agree(reader, MRK, row->mrk, &row->has_mrk, other);
}

static int keys_read(struct reader *reader, const struct ue_cell *cells, struct ue_row *row)
{
	const struct ue_cell *where = &cells[KEYS_IN], *expires = &cells[EXPIRES];
	bool has_muk;
	int rc;

	row->keys_in_uicc = where->len == 4 && strncasecmp(where->text, "uicc", 4) == 0;
	if (where->len > 0 && !row->keys_in_uicc &&
		(where->len != 2 || strncasecmp(where->text, "me", 2) != 0))
		return line_fail(reader, KEYS_IN, "neither me nor uicc");
	rc = key_read(reader, cells, MUK, row->muk, &has_muk);
	if (rc == 0)
		rc = key_read(reader, cells, MRK, row->mrk, &row->has_mrk);
	if (rc == 0)
		rc = ks_read(reader, cells, row, &has_muk);
	if (rc != 0)
		return rc;
	if (has_muk != (row->btid_len > 0) || has_muk != (expires->len > 0))
		return line_fail(reader, BTID, "B-TID, MUK and expiry come together or not at all");
	if (has_muk && !ue_time_parse(expires->text, expires->len, &row->expires))
		return line_fail(reader, EXPIRES, "neither RFC 3339 in UTC nor Unix seconds");
	return 0;
}

static int place_read(struct reader *reader, const struct ue_cell *cells, struct ue_row *row)
{
	const struct ue_cell *address = &cells[ADDRESS], *port = &cells[PORT];
	unsigned value = 0;

	if (address->len > 0 && !ue_address_parse(&row->address, address->text, address->len))
		return line_fail(reader, ADDRESS, "no IP address");
	row->port = MIKEY_PORT;
	if (port->len == 0)
		return 0;
	for (size_t i = 0; i < port->len; i++) {
		if (port->text[i] < '0' || port->text[i] > '9')
			return line_fail(reader, PORT, "no number");
		if (value <= UINT16_MAX)
			value = value * 10 + (unsigned)(port->text[i] - '0');
	}
	if (value == 0 || value > UINT16_MAX)
		return line_fail(reader, PORT, "not within 1..65535");
	row->port = (uint16_t)value;
	return 0;
}

static int row_add(struct reader *reader, const struct ue_row *row)
{
	switch (ue_phones_add(reader->phones, row)) {
	case 0:
		return 0;
	case -EEXIST:
		return line_fail(reader, BTID, "an earlier line has the same B-TID");
	case -E2BIG:
		return line_fail(reader, IMPI, "empty, or over 253 octets (IMPI or B-TID)");
	default:
		line_fail(reader, COLUMN_OTHER, "out of memory");
		return -ENOMEM;
	}
}

static int row_read(struct reader *reader, const struct ue_cell *line)
{
	struct ue_cell cells[COLUMN_COUNT + 1] = {{NULL, 0}};
	const struct ue_cell *registered;
	struct ue_row row = {0};
	int rc = cells_read(reader, line, cells);

	if (rc != 0)
		return rc;
	row.impi = cells[IMPI].text;
	row.impi_len = cells[IMPI].len;
	row.btid = cells[BTID].text;
	row.btid_len = cells[BTID].len;
	row.services = cells[SERVICES].text;
	row.services_len = cells[SERVICES].len;
	registered = &cells[reader->has_registered ? REGISTERED : SERVICES];
	if (registered->len == 0)
		registered = &cells[SERVICES];
	if (registered->len != 1 || registered->text[0] != '-') {
		row.registered = registered->text;
		row.registered_len = registered->len;
	}
	rc = keys_read(reader, cells, &row);
	if (rc == 0)
		rc = place_read(reader, cells, &row);
	if (rc == 0)
		rc = row_add(reader, &row);
	explicit_bzero(&row, sizeof(row));
	return rc;
}

// Guesses how many rows there are from the length of the first one.
static void room_make(struct reader *reader)
{
	size_t left = (size_t)(reader->text.end - reader->text.at);
	const char *stop = memchr(reader->text.at, '\n', left);

	if (stop != NULL)
		ue_phones_reserve(reader->phones,
			left / (size_t)(stop - reader->text.at + 1) + reader->phones->phone_count +
				1);
}

int ue_csv_load(struct ue_phones *phones, const char *data, size_t len, char why[UE_WHY_BYTES])
{
	struct reader reader = {
		.phones = phones, .text = {.at = data, .end = data + len}, .why = why};
	struct ue_cell line;
	int rc = header_read(&reader);

	if (rc != 0)
		return rc;
	if (reader.text.at < reader.text.end)
		room_make(&reader);
	while (rc == 0 && ue_csv_line(&reader.text, &line))
		rc = row_read(&reader, &line);
	phones->listed = phones->credential_count;
	return rc;
}

int ue_csv_load_file(struct ue_phones *phones, const char *path, char why[UE_WHY_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat status;
	void *data;

	if (fd < 0 || fstat(fd, &status) != 0)
		rc = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size == 0)
		rc = -EINVAL;
	if (rc != 0) {
		snprintf(why, UE_WHY_BYTES, "%s",
			rc == -EINVAL ? "not a file, or empty" : strerror(-rc));
	} else {
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED) {
			rc = -errno;
			snprintf(why, UE_WHY_BYTES, "%s", strerror(-rc));
		} else {
			madvise(data, (size_t)status.st_size, MADV_SEQUENTIAL);
			rc = ue_csv_load(phones, data, (size_t)status.st_size, why);
			munmap(data, (size_t)status.st_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return rc;
}
