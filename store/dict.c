// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "dict.h"

#include <errno.h>
#include <string.h>

// The text of an entry, as it was sealed.
static int entry_text(const struct view *v, enum db_id db, uint32_t number, struct blob *text)
{
	struct blob val;
	int rc = db_get_u32(v, db, number, &val);

	*text = (struct blob){0};
	if (rc == 0)
		rc = wrap_verify(v, db, blob_u32(&number), val);
	return rc == 0 ? record_decode_text(val, text) : rc;
}

static int entry_put(
	struct store_txn *txn, enum db_id db, uint32_t number, const void *text, size_t len)
{
	struct text_record record;

	return sealed_put(
		txn, db, blob_u32(&number), &record, record_encode_text(text, len, &record));
}

int dict_suffix_text(const struct view *v, uint16_t number, struct blob *text)
{
	int rc = entry_text(v, DB_SUFFIX, number, text);

	return rc == 0 && text->len > STORE_NAI_MAX ? -EIO : rc;
}

// What the way from text to number says is not sealed: the number has to lead back.
static int suffix_known(
	const struct view *v, struct nai_suffix suffix, struct blob val, uint16_t *number)
{
	struct blob text;
	int rc;

	*number = (uint16_t)blob_to_u32(val);
	rc = *number != 0 ? dict_suffix_text(v, *number, &text) : -EIO;
	if (rc == 0 && (text.len != suffix.len || memcmp(text.data, suffix.text, text.len) != 0))
		rc = -EIO;
	return rc;
}

static int suffix_find(struct store_txn *txn, struct nai_suffix suffix, uint16_t *number)
{
	struct blob key = {suffix.text, suffix.len};
	struct blob val;
	uint32_t next = txn->state.suffix_count + 1;
	int rc = db_get(&txn->view, DB_SUFFIX_TEXT, key, &val);

	if (rc == 0)
		return suffix_known(&txn->view, suffix, val, number);
	if (rc != -ENOENT)
		return rc;
	if (next > DICT_SUFFIX_MAX)
		return -EOVERFLOW;
	rc = db_put(&txn->view, DB_SUFFIX_TEXT, key, blob_u32(&next));
	if (rc == 0)
		rc = entry_put(txn, DB_SUFFIX, next, suffix.text, suffix.len);
	if (rc != 0)
		return rc;
	txn_state(txn)->suffix_count = next;
	*number = (uint16_t)next;
	return 0;
}

int dict_suffix_intern(struct store_txn *txn, struct nai_suffix suffix, uint16_t *number)
{
	struct suffix_memo *memo =
		&txn->memo[(suffix.len + (uint8_t)suffix.text[0]) % SUFFIX_MEMOS];
	int rc;

	if (memo->number != 0 && memo->len == suffix.len &&
		memcmp(memo->text, suffix.text, suffix.len) == 0) {
		*number = memo->number;
		return 0;
	}
	rc = suffix_find(txn, suffix, number);
	if (rc != 0)
		return rc;
	memo->number = *number;
	memo->len = (uint8_t)suffix.len;
	memcpy(memo->text, suffix.text, suffix.len);
	return 0;
}

size_t dict_set_list(const struct view *v, store_set set, store_service_id out[STORE_SET_MAX])
{
	struct blob text;

	if (set == STORE_SET_NONE || entry_text(v, DB_SET, set, &text) != 0 ||
		text.len > STORE_SET_MAX * sizeof(*out))
		return 0;
	memcpy(out, text.data, text.len);
	return text.len / sizeof(*out);
}

// Sorts and checks a list of services as it came from a caller. -EINVAL, -ENOENT.
static int set_normalise(const struct view *v, const store_service_id *services, size_t *n,
	store_service_id out[STORE_SET_MAX])
{
	struct blob val;
	size_t count = 0;

	if (*n > STORE_SET_MAX)
		return -EINVAL;
	for (size_t i = 0; i < *n; i++) {
		size_t at = count;
		int rc = db_get_u32(v, DB_SERVICE, services[i], &val);

		if (rc != 0)
			return rc;
		while (at > 0 && out[at - 1] >= services[i])
			at--;
		if (at < count && out[at] == services[i])
			continue;
		memmove(out + at + 1, out + at, (count - at) * sizeof(*out));
		out[at] = services[i];
		count++;
	}
	*n = count;
	return 0;
}

// -ENOENT when no set has exactly these services.
static int set_find(const struct view *v, const store_service_id *sorted, size_t n, store_set *out)
{
	store_service_id list[STORE_SET_MAX];
	struct blob val;
	int rc;

	*out = STORE_SET_NONE;
	if (n == 0)
		return 0;
	rc = db_get(v, DB_SET_LIST, (struct blob){sorted, n * sizeof(*sorted)}, &val);
	if (rc != 0)
		return rc;
	*out = blob_to_u32(val);
	// As with suffixes: the number has to lead back.
	return dict_set_list(v, *out, list) == n && memcmp(list, sorted, n * sizeof(*list)) == 0
		? 0
		: -EIO;
}

int store_set_intern(
	struct store_txn *txn, const store_service_id *services, size_t n, store_set *out)
{
	store_service_id sorted[STORE_SET_MAX];
	uint32_t next = txn->state.set_count + 1;
	int rc = set_normalise(&txn->view, services, &n, sorted);

	if (rc == 0)
		rc = set_find(&txn->view, sorted, n, out);
	else
		return rc;
	if (rc != -ENOENT)
		return rc;
	if (next > DICT_SET_MAX)
		return -ENOSPC;
	rc = db_put(&txn->view, DB_SET_LIST, (struct blob){sorted, n * sizeof(*sorted)},
		blob_u32(&next));
	if (rc == 0)
		rc = entry_put(txn, DB_SET, next, sorted, n * sizeof(*sorted));
	if (rc != 0)
		return rc;
	txn_state(txn)->set_count = next;
	txn_state(txn)->dict_version++;
	*out = next;
	return 0;
}
