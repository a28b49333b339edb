// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as a record of the store; the first one chooses which. It is refused, or what it says
// is within its limits and, written again, says the same.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static int is_verdict(int rc)
{
	return rc == 0 || rc == -EPROTO || rc == -EIO;
}

static void prev_check(struct blob in)
{
	struct store_prev one = {.expires = 0}, other = {.expires = 0};
	struct prev_record record;
	int rc = record_decode_prev(in, &one);

	require(is_verdict(rc));
	if (rc != 0)
		return;
	require(strnlen(one.btid, sizeof(one.btid)) <= STORE_NAI_MAX);
	in = (struct blob){&record, record_encode_prev(&one, &record)};
	require(record_decode_prev(in, &other) == 0 && strcmp(one.btid, other.btid) == 0);
	require(one.expires == other.expires && memcmp(&one.muk, &other.muk, sizeof(one.muk)) == 0);
}

static void change_check(struct blob in)
{
	struct store_subscriber one, other;
	struct change_record record;
	store_id id, again;
	int rc;

	memset(&one, 0, sizeof(one));
	memset(&other, 0, sizeof(other));
	rc = record_decode_change(in, &id, &one);
	require(is_verdict(rc));
	if (rc != 0)
		return;
	require(strnlen(one.btid, sizeof(one.btid)) <= STORE_NAI_MAX);
	require(strnlen(one.impi, sizeof(one.impi)) <= STORE_NAI_MAX);
	in = (struct blob){&record, record_encode_change(id, &one, &record)};
	require(record_decode_change(in, &again, &other) == 0 && id == again);
	require(strcmp(one.btid, other.btid) == 0 && strcmp(one.impi, other.impi) == 0);
	require(one.authorised == other.authorised);
}

static void service_check(struct blob in)
{
	struct store_service one = {.id = 0}, other = {.id = 0};
	struct service_record record;
	int rc = record_decode_service(in, 7, &one);

	require(is_verdict(rc));
	if (rc != 0)
		return;
	require(strnlen(one.name, sizeof(one.name)) <= STORE_NAME_MAX && one.id == 7);
	require(one.group_count <= STORE_SERVICE_GROUPS_MAX);
	in = (struct blob){&record, record_encode_service(&one, &record)};
	require(record_decode_service(in, 7, &other) == 0);
	require(strcmp(one.name, other.name) == 0 && one.group_count == other.group_count);
}

static void group_check(struct blob in)
{
	static const struct group_key key = {{0x00, 0xf1, 0x10, 0, 1}};
	struct store_group one = {.profile = 0}, other = {.profile = 0};
	struct group_record record;
	int rc = record_decode_group(in, &key, &one);

	require(is_verdict(rc));
	if (rc != 0)
		return;
	require(one.profile <= STORE_PROFILE_V600);
	in = (struct blob){&record, record_encode_group(&one, &record)};
	require(record_decode_group(in, &key, &other) == 0);
	require(one.last_key_number == other.last_key_number && one.created == other.created);
}

static void msk_check(struct blob in)
{
	static const struct msk_key key = {{0x00, 0xf1, 0x10, 0, 1, 0, 1}};
	struct store_msk one = {.number = 0}, other = {.number = 0};
	struct msk_record record;
	int rc = record_decode_msk(in, &key, &one);

	require(is_verdict(rc));
	if (rc != 0)
		return;
	require(one.state <= STORE_MSK_RETIRED && one.number == 1);
	in = (struct blob){&record, record_encode_msk(&one, &record)};
	require(record_decode_msk(in, &key, &other) == 0);
	require(memcmp(&one.key, &other.key, sizeof(one.key)) == 0 && one.csb_id == other.csb_id);
}

static void campaign_check(struct blob in)
{
	struct store_campaign one = {.id = 0}, other = {.id = 0};
	struct campaign_record record;
	int rc = record_decode_campaign(in, 9, &one);

	require(is_verdict(rc));
	if (rc != 0)
		return;
	require(one.id == 9 && one.sends <= STORE_SENDS_MAX);
	in = (struct blob){&record, record_encode_campaign(&one, &record)};
	require(record_decode_campaign(in, 9, &other) == 0);
	require(one.members == other.members && one.state == other.state);
}

static void text_check(struct blob in)
{
	struct blob text = {NULL, 0};
	int rc = record_decode_text(in, &text);

	require(is_verdict(rc));
	require(rc != 0 || text.len <= in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct blob in) = {prev_check, change_check, service_check,
		group_check, msk_check, campaign_check, text_check};

	void *copy;

	if (size == 0)
		return 0;
	// Records are aligned in the store.
	copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	checks[data[0] % (sizeof(checks) / sizeof(checks[0]))]((struct blob){copy, size - 1});
	free(copy);
	return 0;
}
