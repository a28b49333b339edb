// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "phones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int array_grow(void **array, size_t item_bytes, uint32_t *room, size_t count)
{
	size_t wanted = *room != 0 ? *room : 16;
	void *grown;

	if (count >= UE_NONE)
		return -E2BIG;
	if (count <= *room)
		return 0;
	while (wanted < count)
		wanted *= 2;
	if (wanted >= UE_NONE)
		wanted = UE_NONE - 1;
	grown = realloc(*array, wanted * item_bytes);
	if (grown == NULL)
		return -ENOMEM;
	*array = grown;
	*room = (uint32_t)wanted;
	return 0;
}

int ue_phones_reserve(struct ue_phones *phones, size_t rows)
{
	int rc = array_grow((void **)&phones->credentials, sizeof(*phones->credentials),
		&phones->credential_room, rows);

	if (rc == 0)
		rc = array_grow((void **)&phones->phones, sizeof(*phones->phones),
			&phones->phone_room, rows);
	if (rc == 0)
		rc = ue_index_reserve(&phones->by_btid, rows);
	if (rc == 0)
		rc = ue_index_reserve(&phones->by_impi, rows);
	if (rc == 0)
		rc = ue_index_reserve(&phones->by_address, rows);
	return rc;
}

// The position of a list of services among those seen before; UE_NONE when memory is out or
// there are more lists than a credential can name.
static uint32_t name_intern(struct ue_phones *phones, const char *text, size_t len)
{
	uint32_t hash = ue_hash(text, len), at;
	size_t cursor = hash;
	char *copy;

	while ((at = ue_index_next(&phones->by_name, hash, &cursor)) != UE_NONE) {
		if (strlen(phones->names[at]) == len &&
			(len == 0 || memcmp(phones->names[at], text, len) == 0))
			return at;
	}
	if (phones->name_count > UINT16_MAX)
		return UE_NONE;
	copy = malloc(len + 1);
	if (copy == NULL || ue_index_add(&phones->by_name, hash, phones->name_count) != 0) {
		free(copy);
		return UE_NONE;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	phones->names[phones->name_count] = copy;
	return phones->name_count++;
}

int ue_phones_init(struct ue_phones *phones)
{
	*phones = (struct ue_phones){.holding_free = UE_NONE, .msk_latest = UE_NONE};
	phones->names = calloc(UINT16_MAX + 1, sizeof(*phones->names));
	if (phones->names == NULL || name_intern(phones, "", 0) == UE_NONE) {
		ue_phones_fini(phones);
		return -ENOMEM;
	}
	return 0;
}

static void wipe_and_free(void *array, size_t bytes)
{
	if (array != NULL)
		explicit_bzero(array, bytes);
	free(array);
}

void ue_phones_fini(struct ue_phones *phones)
{
	wipe_and_free(phones->credentials, phones->credential_count * sizeof(*phones->credentials));
	wipe_and_free(phones->msks, phones->msk_count * sizeof(*phones->msks));
	free(phones->phones);
	free(phones->holdings);
	for (uint32_t i = 0; i < phones->name_count; i++)
		free((void *)phones->names[i]);
	free(phones->names);
	ue_index_fini(&phones->by_btid);
	ue_index_fini(&phones->by_impi);
	ue_index_fini(&phones->by_address);
	ue_index_fini(&phones->by_msk);
	ue_index_fini(&phones->by_name);
	ue_arena_fini(&phones->arena);
	*phones = (struct ue_phones){0};
}

uint32_t ue_credential_find(const struct ue_phones *phones, const void *btid, size_t len)
{
	uint32_t hash = ue_hash(btid, len), at;
	size_t cursor = hash;

	while ((at = ue_index_next(&phones->by_btid, hash, &cursor)) != UE_NONE) {
		const struct ue_credential *credential = &phones->credentials[at];

		if (credential->btid_len == len && memcmp(credential->btid, btid, len) == 0)
			break;
	}
	return at;
}

uint32_t ue_phone_find(const struct ue_phones *phones, const void *impi, size_t len)
{
	uint32_t hash = ue_hash(impi, len), at;
	size_t cursor = hash;

	while ((at = ue_index_next(&phones->by_impi, hash, &cursor)) != UE_NONE) {
		const struct ue_phone *phone = &phones->phones[at];

		if (phone->impi_len == len && memcmp(phone->impi, impi, len) == 0)
			break;
	}
	return at;
}

uint32_t ue_phone_at(const struct ue_phones *phones, const struct ue_address *address)
{
	uint32_t hash = ue_hash(address, sizeof(*address)), at;
	size_t cursor = hash;

	while ((at = ue_index_next(&phones->by_address, hash, &cursor)) != UE_NONE) {
		if (ue_address_equal(&phones->phones[at].address, address))
			break;
	}
	return at;
}

bool ue_credential_is_kept(const struct ue_phones *phones, uint32_t credential)
{
	const struct ue_phone *phone = &phones->phones[phones->credentials[credential].phone];

	return phone->current == credential || phone->previous == credential;
}

int ue_phone_move(struct ue_phones *phones, uint32_t phone, const struct ue_address *address)
{
	if (!ue_address_is_none(address) &&
		ue_index_add(&phones->by_address, ue_hash(address, sizeof(*address)), phone) != 0)
		return -ENOMEM;
	phones->phones[phone].address = *address;
	return 0;
}

static int phone_add(struct ue_phones *phones, const struct ue_row *row, uint32_t *out)
{
	struct ue_phone phone = {
		.current = UE_NONE,
		.previous = UE_NONE,
		.holding = UE_NONE,
		.impi_len = (uint8_t)row->impi_len,
	};
	int rc = array_grow((void **)&phones->phones, sizeof(*phones->phones), &phones->phone_room,
		(size_t)phones->phone_count + 1);

	if (rc != 0)
		return rc;
	phone.impi = ue_arena_copy(&phones->arena, row->impi, row->impi_len);
	if (phone.impi == NULL)
		return -ENOMEM;
	rc = ue_index_add(&phones->by_impi, ue_hash(row->impi, row->impi_len), phones->phone_count);
	if (rc != 0)
		return rc;
	*out = phones->phone_count++;
	phones->phones[*out] = phone;
	return 0;
}

// Adds a credential for a phone, which says what services it is for.
static int credential_add(
	struct ue_phones *phones, uint32_t phone, const struct ue_fresh *fresh, uint32_t *out)
{
	const struct ue_phone *owner = &phones->phones[phone];
	struct ue_credential *credential;
	const char *btid = ue_arena_copy(&phones->arena, fresh->btid, fresh->btid_len);
	int rc = array_grow((void **)&phones->credentials, sizeof(*phones->credentials),
		&phones->credential_room, (size_t)phones->credential_count + 1);

	if (rc == 0 && btid == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc = ue_index_add(
			&phones->by_btid, ue_hash(btid, fresh->btid_len), phones->credential_count);
	if (rc != 0)
		return rc;
	*out = phones->credential_count++;
	credential = &phones->credentials[*out];
	*credential = (struct ue_credential){
		.btid = btid,
		.phone = phone,
		.expires = fresh->expires,
		.services = owner->services,
		.registered = owner->registered,
		.btid_len = (uint8_t)fresh->btid_len,
		.has_mrk = fresh->mrk != NULL,
		.keys_in_uicc = owner->keys_in_uicc,
	};
	memcpy(credential->muk, fresh->muk, sizeof(credential->muk));
	if (fresh->mrk != NULL)
		memcpy(credential->mrk, fresh->mrk, sizeof(credential->mrk));
	return 0;
}

// What a row says about the phone itself.
static int phone_set(struct ue_phones *phones, uint32_t at, const struct ue_row *row)
{
	uint32_t services = name_intern(phones, row->services, row->services_len);
	uint32_t registered = name_intern(phones, row->registered, row->registered_len);
	struct ue_phone *phone = &phones->phones[at];

	if (services == UE_NONE || registered == UE_NONE)
		return -ENOMEM;
	phone->services = (uint16_t)services;
	phone->registered = (uint16_t)registered;
	phone->keys_in_uicc = row->keys_in_uicc;
	phone->port = row->port;
	return ue_phone_move(phones, at, &row->address);
}

int ue_phones_add(struct ue_phones *phones, const struct ue_row *row)
{
	struct ue_fresh fresh = {
		row->btid, row->btid_len, row->expires, row->muk, row->has_mrk ? row->mrk : NULL};
	uint32_t at, credential = UE_NONE;
	struct ue_phone *phone;
	int rc = 0;

	if (row->impi_len == 0 || row->impi_len > UE_IDENTITY_MAX_BYTES ||
		row->btid_len > UE_IDENTITY_MAX_BYTES)
		return -E2BIG;
	if (row->btid_len > 0 && ue_credential_find(phones, row->btid, row->btid_len) != UE_NONE)
		return -EEXIST;
	at = ue_phone_find(phones, row->impi, row->impi_len);
	if (at == UE_NONE)
		rc = phone_add(phones, row, &at);
	if (rc == 0)
		rc = phone_set(phones, at, row);
	if (rc == 0 && row->btid_len > 0)
		rc = credential_add(phones, at, &fresh, &credential);
	if (rc != 0)
		return rc;
	phone = &phones->phones[at];
	if (phone->current != UE_NONE)
		phone->previous = phone->current;
	phone->current = credential;
	return 0;
}

static bool is_used(const struct ue_phones *phones, uint32_t credential)
{
	return credential != UE_NONE && phones->credentials[credential].is_used;
}

int ue_phones_renew(struct ue_phones *phones, uint32_t at, const struct ue_fresh *fresh)
{
	struct ue_phone *phone = &phones->phones[at];
	uint32_t credential;
	int rc;

	if (fresh->btid_len == 0 || fresh->btid_len > UE_IDENTITY_MAX_BYTES)
		return -E2BIG;
	if (ue_credential_find(phones, fresh->btid, fresh->btid_len) != UE_NONE)
		return -EEXIST;
	rc = credential_add(phones, at, fresh, &credential);
	if (rc != 0)
		return rc;
	if (is_used(phones, phone->current) || !is_used(phones, phone->previous))
		phone->previous = phone->current;
	phone->current = credential;
	return 0;
}

void ue_credential_use(struct ue_phones *phones, struct ue_credential *credential)
{
	struct ue_phone *phone = &phones->phones[credential->phone];

	credential->is_used = true;
	if (phone->current == (uint32_t)(credential - phones->credentials))
		phone->previous = UE_NONE;
}

int ue_phone_register(struct ue_phones *phones, uint32_t at, const char *services, size_t len)
{
	uint32_t registered = name_intern(phones, services, len);
	struct ue_phone *phone = &phones->phones[at];

	if (registered == UE_NONE)
		return -ENOMEM;
	phone->registered = (uint16_t)registered;
	if (phone->current != UE_NONE)
		phones->credentials[phone->current].registered = (uint16_t)registered;
	return 0;
}
