// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// DIR/keys: what phones keep besides their last MUK when they are switched off in an orderly way.
// It is read once and deleted before anything is received: after a crash it is not there, and no
// counter of it can be an old one. Records with a letter in front, an end mark behind the last.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holding.h"
#include "state.h"

#define MAGIC "mskue-k1"
#define PATH_BYTES 4096
#define HELD_MAX 64 // of one phone
#define BUFFER_BYTES (1 << 20)

struct credential_record {
	int64_t expires;
	uint16_t bootstraps;
	uint8_t is_current;
	uint8_t has_mrk;
	uint8_t muk[UE_KEY_BYTES];
	uint8_t mrk[UE_KEY_BYTES];
};

struct msk_record {
	uint32_t csb_id;
	uint16_t group;
	uint16_t number;
	uint8_t kdi[MIKEY_KDI_BYTES];
	uint8_t profile;
	uint8_t key[MIKEY_MSK_BYTES];
	uint8_t rand_len;
	uint8_t rand[UINT8_MAX];
};

struct holding_record {
	uint32_t msk; // position among the records of MSKs
	uint32_t counter;
	uint16_t seq_l;
	uint16_t seq_u;
	uint16_t seq_s;
	uint8_t way;
};

static int path_make(char path[PATH_BYTES], const char *dir, const char *name)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", dir, name);

	return len < 0 || len >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

// --- Out ------------------------------------------------------------------------------------

static void text_write(FILE *file, const char *text, uint8_t len)
{
	fputc(len, file);
	fwrite(text, 1, len, file);
}

static void credential_write(FILE *file, const struct ue_phones *phones, uint32_t at)
{
	const struct ue_credential *credential = &phones->credentials[at];
	const struct ue_phone *phone = &phones->phones[credential->phone];
	struct credential_record record = {
		.expires = credential->expires,
		.bootstraps = phone->bootstraps,
		.is_current = phone->current == at,
		.has_mrk = credential->has_mrk,
	};

	memcpy(record.muk, credential->muk, sizeof(record.muk));
	memcpy(record.mrk, credential->mrk, sizeof(record.mrk));
	fputc('C', file);
	text_write(file, phone->impi, phone->impi_len);
	text_write(file, credential->btid, credential->btid_len);
	fwrite(&record, sizeof(record), 1, file);
	explicit_bzero(&record, sizeof(record));
}

static void msk_write(FILE *file, const struct ue_msk *msk)
{
	struct msk_record record = {
		.csb_id = msk->csb_id,
		.group = msk->group,
		.number = msk->number,
		.profile = msk->profile,
		.rand_len = msk->rand_len,
	};

	memcpy(record.kdi, msk->kdi, sizeof(record.kdi));
	memcpy(record.key, msk->key, sizeof(record.key));
	memcpy(record.rand, msk->rand, msk->rand_len);
	fputc('M', file);
	fwrite(&record, sizeof(record), 1, file);
	explicit_bzero(&record, sizeof(record));
}

// The oldest one first: so they are given back.
static void holdings_write(FILE *file, const struct ue_phones *phones, const struct ue_phone *phone)
{
	struct holding_record records[HELD_MAX];
	unsigned count = 0;

	for (uint32_t at = phone->holding; at != UE_NONE && count < HELD_MAX;
		at = phones->holdings[at].next) {
		const struct ue_holding *holding = &phones->holdings[at];

		records[count++] = (struct holding_record){holding->msk, holding->counter,
			holding->seq_l, holding->seq_u, holding->seq_s, holding->way};
	}
	fputc('H', file);
	text_write(file, phone->impi, phone->impi_len);
	fputc((int)count, file);
	while (count > 0)
		fwrite(&records[--count], sizeof(records[0]), 1, file);
}

static void keys_write(FILE *file, const struct ue_phones *phones)
{
	fwrite(MAGIC, 1, sizeof(MAGIC) - 1, file);
	// Those of the CSV will be in the CSV.
	for (uint32_t i = phones->listed; i < phones->credential_count; i++) {
		if (ue_credential_is_kept(phones, i))
			credential_write(file, phones, i);
	}
	for (uint32_t i = 0; i < phones->msk_count; i++)
		msk_write(file, &phones->msks[i]);
	for (uint32_t i = 0; i < phones->phone_count; i++) {
		if (phones->phones[i].holding != UE_NONE)
			holdings_write(file, phones, &phones->phones[i]);
	}
	fputc('E', file);
}

int ue_state_keys_save(const char *dir, const struct ue_phones *phones)
{
	char path[PATH_BYTES], fresh[PATH_BYTES];
	FILE *file = NULL;
	int fd, rc = path_make(path, dir, "keys");

	if (rc == 0)
		rc = path_make(fresh, dir, "keys.new");
	if (rc != 0)
		return rc;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (file == NULL)
		return -errno;
	setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
	keys_write(file, phones);
	if (fflush(file) != 0 || ferror(file) || fdatasync(fd) != 0)
		rc = -EIO;
	if (fclose(file) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(fresh, path) != 0)
		rc = -errno;
	if (rc != 0)
		unlink(fresh);
	return rc;
}

// --- In -------------------------------------------------------------------------------------

struct reader {
	FILE *file;
	struct ue_phones *phones;
	struct msk_record *msks;
	uint32_t msk_count;
	uint32_t msk_room;
	char impi[UINT8_MAX];
	char btid[UINT8_MAX];
};

static bool octets_read(struct reader *r, void *out, size_t len)
{
	return fread(out, 1, len, r->file) == len;
}

static bool text_read(struct reader *r, char text[UINT8_MAX], uint8_t *len)
{
	int c = fgetc(r->file);

	*len = (uint8_t)c;
	return c != EOF && octets_read(r, text, *len);
}

static void mrk_put(struct ue_credential *credential, const struct credential_record *record)
{
	credential->is_muk_only = false;
	credential->has_mrk = record->has_mrk != 0;
	memcpy(credential->mrk, record->mrk, sizeof(credential->mrk));
}

// One that is there has its MUK and its counter; one that is not was never used.
static int credential_take(
	struct reader *r, uint32_t phone, uint8_t btid_len, const struct credential_record *record)
{
	struct ue_phones *phones = r->phones;
	uint32_t at = ue_credential_find(phones, r->btid, btid_len);
	const struct ue_fresh fresh = {.btid = r->btid,
		.btid_len = btid_len,
		.expires = record->expires,
		.muk = record->muk,
		.mrk = record->has_mrk != 0 ? record->mrk : NULL};

	if (phones->phones[phone].bootstraps < record->bootstraps)
		phones->phones[phone].bootstraps = record->bootstraps;
	if (at != UE_NONE) {
		if (phones->credentials[at].phone == phone &&
			memcmp(phones->credentials[at].muk, record->muk, UE_KEY_BYTES) == 0)
			mrk_put(&phones->credentials[at], record);
		return 0;
	}
	return record->is_current != 0 ? ue_phones_renew(phones, phone, &fresh) : 0;
}

static int credential_read(struct reader *r)
{
	struct credential_record record;
	uint8_t impi_len, btid_len;
	uint32_t phone;
	int rc = 0;

	if (!text_read(r, r->impi, &impi_len) || !text_read(r, r->btid, &btid_len) ||
		!octets_read(r, &record, sizeof(record)))
		return -EBADMSG;
	phone = ue_phone_find(r->phones, r->impi, impi_len);
	if (phone != UE_NONE)
		rc = credential_take(r, phone, btid_len, &record);
	explicit_bzero(&record, sizeof(record));
	return rc;
}

static int msk_read(struct reader *r)
{
	if (r->msk_count == r->msk_room) {
		uint32_t room = r->msk_room != 0 ? 2 * r->msk_room : 16;
		struct msk_record *grown = reallocarray(r->msks, room, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		r->msks = grown;
		r->msk_room = room;
	}
	if (!octets_read(r, &r->msks[r->msk_count], sizeof(*r->msks)) ||
		r->msks[r->msk_count].profile > MIKEY_PROFILE_V600)
		return -EBADMSG;
	r->msk_count++;
	return 0;
}

static int holding_give(struct reader *r, uint32_t phone, const struct holding_record *record)
{
	const struct msk_record *msk = &r->msks[record->msk];
	struct ue_delivery delivery = {
		.profile = msk->profile,
		.group = msk->group,
		.number = msk->number,
		.csb_id = msk->csb_id,
		.rand = {msk->rand, msk->rand_len},
		.key = msk->key,
		.seq_l = record->seq_l,
		.seq_u = record->seq_u,
	};
	struct ue_change change;
	struct ue_holding *holding;

	memcpy(delivery.kdi, msk->kdi, sizeof(delivery.kdi));
	if (ue_holding_deliver(r->phones, phone, &delivery, &change) != 0)
		return -ENOMEM;
	if (!change.is_stored)
		return 0;
	ue_holding_mark(r->phones, phone, (enum ue_way)record->way);
	holding = &r->phones->holdings[r->phones->phones[phone].holding];
	holding->seq_s = record->seq_s;
	holding->counter = record->counter;
	return 0;
}

static int holdings_read(struct reader *r)
{
	struct holding_record record;
	uint8_t impi_len;
	uint32_t phone;
	int count, rc = 0;

	if (!text_read(r, r->impi, &impi_len))
		return -EBADMSG;
	phone = ue_phone_find(r->phones, r->impi, impi_len);
	for (count = fgetc(r->file); count > 0 && rc == 0; count--) {
		if (!octets_read(r, &record, sizeof(record)) || record.msk >= r->msk_count ||
			record.way >= UE_WAY_COUNT)
			return -EBADMSG;
		if (phone != UE_NONE)
			rc = holding_give(r, phone, &record);
	}
	return rc;
}

static int keys_read(struct reader *r)
{
	char magic[sizeof(MAGIC) - 1];
	int rc = 0;

	if (!octets_read(r, magic, sizeof(magic)) || memcmp(magic, MAGIC, sizeof(magic)) != 0)
		return -EBADMSG;
	while (rc == 0) {
		switch (fgetc(r->file)) {
		case 'C':
			rc = credential_read(r);
			break;
		case 'M':
			rc = msk_read(r);
			break;
		case 'H':
			rc = holdings_read(r);
			break;
		case 'E':
			return 0;
		default:
			rc = -EBADMSG;
		}
	}
	return rc;
}

int ue_state_keys_load(const char *dir, struct ue_phones *phones, bool *found)
{
	char path[PATH_BYTES];
	struct reader r = {.phones = phones};
	int rc = path_make(path, dir, "keys");

	*found = false;
	if (rc != 0)
		return rc;
	r.file = fopen(path, "re");
	if (r.file == NULL)
		return errno == ENOENT ? 0 : -errno;
	*found = true;
	setvbuf(r.file, NULL, _IOFBF, BUFFER_BYTES);
	rc = keys_read(&r);
	fclose(r.file);
	if (r.msks != NULL)
		explicit_bzero(r.msks, r.msk_room * sizeof(*r.msks));
	free(r.msks);
	if (unlink(path) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int ue_state_keys_drop(const char *dir)
{
	char path[PATH_BYTES];
	int rc = path_make(path, dir, "keys");

	if (rc == 0 && unlink(path) != 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}
