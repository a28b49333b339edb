// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "people.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mikey.h"
#include "script.h"
#include "ue/csv.h"
#include "ue/ue.h"

#define LIFETIME_S (30 * 86400)
#define FIRST_ADDRESS 0x0a000001u // 10.0.0.1
#define MOVED_BY PEOPLE_MAX // how far the second address is behind the first

static const uint8_t domain[STORE_KDI_BYTES] = {0x00, 0xf1, 0x10};

// Keys that differ between people and between a person's bootstrappings, the same in each run.
static void keys_make(struct person *person, unsigned index)
{
	person->keys++;
	for (unsigned i = 0; i < STORE_MUK_BYTES; i++)
		person->muk[i] = (uint8_t)(i * i + person->keys * 101);
	person->muk[0] = (uint8_t)index;
	person->muk[1] = (uint8_t)(index >> 8);
	snprintf(person->btid, sizeof(person->btid), "b%u-%05u@bsf.mnc001.mcc001.pub.example.org",
		person->keys, index);
}

void people_init(struct people *p, unsigned n, int64_t now_s)
{
	*p = (struct people){.n = n, .person = calloc(n, sizeof(*p->person))};
	if (p->person == NULL || dp_muk_prep_create(0, &p->prep) != 0)
		script_fail("no memory for %u phones", n);
	for (unsigned i = 0; i < n; i++) {
		struct person *person = &p->person[i];

		*person = (struct person){
			.expires = now_s + LIFETIME_S,
			.has_muk = true,
			.has_address = true,
			.is_authorised = true,
			.is_registered = true,
			.is_in = {[1] = true},
			.id = STORE_ID_NONE,
		};
		snprintf(person->impi, sizeof(person->impi), "00101%010u@ims.example.org", i);
		keys_make(person, i);
	}
}

void people_fini(struct people *p)
{
	if (p->env != NULL)
		fake_store_destroy(p->env);
	dp_muk_prep_destroy(p->prep);
	free(p->person);
	*p = (struct people){0};
}

struct ue_address people_address(const struct people *p, unsigned index)
{
	const struct person *person = &p->person[index];
	uint32_t number = FIRST_ADDRESS + index + (person->is_moved ? MOVED_BY : 0);
	struct ue_address address = {{0x20, 0x01, 0x0d, 0xb8}};

	if (!person->has_ipv6)
		address = ue_address_v4((const uint8_t[4]){0});
	for (int i = 0; i < 4; i++)
		address.octets[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	return address;
}

unsigned people_at(const struct people *p, const struct ue_address *address)
{
	const uint8_t *o = address->octets + 12;
	uint32_t number = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
	uint32_t index = (number - FIRST_ADDRESS) % MOVED_BY;
	struct ue_address its;

	if (index >= p->n)
		return UINT_MAX;
	its = people_address(p, index);
	return ue_address_equal(&its, address) ? index : UINT_MAX;
}

unsigned people_of_id(const struct people *p, store_id id)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->person[i].id == id)
			return i;
	return UINT_MAX;
}

static void name_lengthen(struct person *person)
{
	char tail[STORE_NAI_MAX + 1];
	size_t len = strlen(person->btid);

	if (!person->has_long_name || len == STORE_NAI_MAX)
		return;
	memcpy(tail, person->btid, len + 1);
	memset(person->btid, 'x', STORE_NAI_MAX - len);
	memcpy(person->btid + STORE_NAI_MAX - len, tail, len + 1);
}

// --- The store ------------------------------------------------------------------------------

static store_set services_of(struct people *p, const struct person *person)
{
	store_service_id list[PEOPLE_GROUPS];
	size_t n = 0;

	for (unsigned g = 1; g <= PEOPLE_GROUPS; g++)
		if (person->is_in[g])
			list[n++] = p->service[g];
	return fake_store_set(p->env, list, n);
}

static struct store_addr address_of(const struct people *p, unsigned index)
{
	struct ue_address address = people_address(p, index);
	struct store_addr addr = {{0}};

	if (p->person[index].has_address)
		memcpy(addr.byte, address.octets, sizeof(addr.byte));
	return addr;
}

void people_write_one(struct people *p, unsigned index)
{
	struct person *person = &p->person[index];
	struct store_subscriber sub = {
		.flags = (uint8_t)((person->has_muk ? STORE_HAS_MUK : 0) |
			(person->is_in_uicc ? STORE_IN_UICC : 0) |
			(person->has_previous ? STORE_HAS_PREV : 0) |
			(person->is_verified ? STORE_MUK_VERIFIED : 0)),
		.port = MIKEY_PORT,
		.expires = (uint32_t)person->expires,
		.addr = address_of(p, index),
	};

	snprintf(sub.impi, sizeof(sub.impi), "%s", person->impi);
	if (person->has_muk) {
		snprintf(sub.btid, sizeof(sub.btid), "%s", person->btid);
		memcpy(sub.muk.byte, person->muk, sizeof(person->muk));
		dp_muk_prep_burst(p->prep, person->muk, STORE_MUK_BYTES, &sub.muk_state,
			sizeof(sub.muk_state), 1);
	}
	sub.authorised = person->is_authorised ? services_of(p, person) : STORE_SET_NONE;
	sub.registered = person->is_registered ? services_of(p, person) : STORE_SET_NONE;
	person->id = fake_store_subscriber(p->env, &sub);
	person->is_removed = false;
}

static void services_write(struct people *p)
{
	for (unsigned g = 1; g <= PEOPLE_GROUPS; g++) {
		struct store_service service = {.group_count = 1};
		struct store_group group = {.profile = p->profile};

		snprintf(service.name, sizeof(service.name), "urn:service:%u", g);
		memcpy(service.group[0].kdi, domain, sizeof(domain));
		service.group[0].group = (uint16_t)g;
		group.id = service.group[0];
		fake_store_group(p->env, &group);
		fake_store_service(p->env, &service);
		p->service[g] = service.id;
	}
}

void people_store(struct people *p, bool is_backwards)
{
	if (p->env != NULL)
		fake_store_destroy(p->env);
	p->env = fake_store_create();
	services_write(p);
	for (unsigned i = 0; i < p->n; i++) {
		unsigned index = is_backwards ? p->n - 1 - i : i;

		name_lengthen(&p->person[index]);
		people_write_one(p, index);
	}
	fake_store_commit(p->env);
}

void people_store_one(struct people *p, unsigned index)
{
	people_write_one(p, index);
	fake_store_commit(p->env);
}

// A verified MUK becomes the previous one; one that never was is forgotten, and the previous one
// stays.
static void previous_write(struct people *p, const struct person *before)
{
	struct store_prev prev = {.expires = (uint32_t)before->expires};

	snprintf(prev.btid, sizeof(prev.btid), "%s", before->btid);
	memcpy(prev.muk.byte, before->muk, sizeof(before->muk));
	dp_muk_prep_burst(
		p->prep, before->muk, STORE_MUK_BYTES, &prev.muk_state, sizeof(prev.muk_state), 1);
	fake_store_prev(p->env, before->id, &prev);
}

// --- The phones -----------------------------------------------------------------------------

static void row_print(FILE *out, const struct people *p, unsigned index)
{
	const struct person *person = &p->person[index];
	char muk[2 * STORE_MUK_BYTES + 1] = "";
	struct ue_address address = people_address(p, index);
	char text[UE_ADDRESS_TEXT];

	ue_hex_put(muk, person->muk, STORE_MUK_BYTES);
	fprintf(out, "%s,", person->impi);
	if (person->has_muk)
		fprintf(out, "%s,%s,%lld,", person->btid, muk, (long long)person->expires);
	else
		fprintf(out, ",,,");
	ue_address_print(text, &address);
	if (person->has_address)
		fprintf(out, "%s", text);
	fprintf(out, ",%s,urn:service:1\n", person->is_in_uicc ? "uicc" : "me");
}

static void csv_load(const struct people *p, unsigned from, unsigned to, struct ue_site *phones)
{
	char *text = NULL, why[UE_WHY_BYTES];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		script_fail("no memory for the CSV");
	fprintf(out, "impi,btid,muk,expires,address,keys_in,services\n");
	for (unsigned i = from; i < to; i++)
		row_print(out, p, i);
	fclose(out);
	if (ue_csv_load(ue_site_phones(phones), text, len, why) != 0)
		script_fail("the phones refuse their CSV: %s", why);
	free(text);
}

void people_phones(const struct people *p, struct ue_site *phones)
{
	csv_load(p, 0, p->n, phones);
}

void people_rebind(struct people *p, unsigned index, int64_t now_s, struct ue_site *phones)
{
	struct person *person = &p->person[index], before = *person;

	person->expires = now_s + LIFETIME_S;
	keys_make(person, index);
	person->has_muk = true;
	person->is_verified = false;
	if (phones != NULL)
		csv_load(p, index, index + 1, phones);
	person->is_rebind_lost = phones == NULL;
	people_write_one(p, index);
	if (before.is_verified)
		previous_write(p, &before);
	person->has_previous |= before.is_verified;
	fake_store_commit(p->env);
}

store_id people_span(const struct people *p)
{
	store_id span = 0;

	for (unsigned i = 0; i < p->n; i++)
		if (p->person[i].id >= span)
			span = p->person[i].id + 1;
	return span;
}

void people_remove(struct people *p, unsigned index)
{
	p->person[index].is_removed = true;
	fake_store_remove(p->env, p->person[index].id);
	fake_store_commit(p->env);
}
