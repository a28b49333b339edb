// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "crowd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mikey.h"
#include "sim.h"
#include "ue/site.h"

#define LONG_LIFE_S (30 * 86400)

void crowd_impi(unsigned person, char out[STORE_NAI_MAX + 1])
{
	snprintf(out, STORE_NAI_MAX + 1, "00101%010u@ims.example.org", person);
}

void crowd_btid(unsigned person, unsigned key, char out[STORE_NAI_MAX + 1])
{
	snprintf(out, STORE_NAI_MAX + 1, "b%02u-%05u@bsf.example.org", key, person);
}

void crowd_muk(const struct sim *s, unsigned person, unsigned key, uint8_t muk[STORE_MUK_BYTES])
{
	struct ue_rng rng;

	ue_rng_init(&rng, s->seed ^ (uint64_t)person << 40 ^ (uint64_t)key << 56 ^ 0x6d756b);
	ue_rng_fill(&rng, muk, STORE_MUK_BYTES);
}

unsigned crowd_area(unsigned person)
{
	return person % CROWD_AREAS;
}

struct ue_address crowd_area_address(unsigned area)
{
	return ue_address_v4((const uint8_t[4]){10, (uint8_t)area, 0, 0});
}

struct ue_address crowd_address(unsigned person)
{
	struct ue_address address = crowd_area_address(crowd_area(person));

	address.octets[14] = (uint8_t)(person >> 8);
	address.octets[15] = (uint8_t)person;
	return address;
}

unsigned crowd_at(const struct crowd *c, const struct ue_address *address)
{
	unsigned person = (unsigned)address->octets[14] << 8 | address->octets[15];
	struct ue_address its;

	if (person >= c->n)
		return UINT_MAX;
	its = crowd_address(person);
	return ue_address_equal(&its, address) ? person : UINT_MAX;
}

unsigned crowd_of_impi(const struct crowd *c, const char *impi)
{
	char its[STORE_NAI_MAX + 1];
	unsigned person;

	if (sscanf(impi, "00101%10u@", &person) != 1 || person >= c->n)
		return UINT_MAX;
	crowd_impi(person, its);
	return strcmp(its, impi) == 0 ? person : UINT_MAX;
}

bool crowd_of_btid(
	const struct crowd *c, const char *btid, size_t len, unsigned *person, unsigned *key)
{
	char text[STORE_NAI_MAX + 1], its[STORE_NAI_MAX + 1];

	if (len > STORE_NAI_MAX)
		return false;
	memcpy(text, btid, len);
	text[len] = '\0';
	if (sscanf(text, "b%2u-%5u@", key, person) != 2 || *person >= c->n || *key >= CROWD_KEYS)
		return false;
	crowd_btid(*person, *key, its);
	return strcmp(its, text) == 0;
}

static int64_t expiry_draw(struct sim *s)
{
	int64_t life_s = sim_chance(s, 15) ? 20 + (int64_t)sim_draw(s, 120) : LONG_LIFE_S;

	return os_true_s() + life_s;
}

static void phone_add(struct sim *s, unsigned i)
{
	struct person *p = &s->crowd.person[i];
	char impi[STORE_NAI_MAX + 1], btid[STORE_NAI_MAX + 1];
	struct ue_row row = {.impi = impi, .btid = btid, .services = "", .registered = ""};

	crowd_impi(i, impi);
	crowd_btid(i, p->keys, btid);
	row.impi_len = strlen(impi);
	row.btid_len = strlen(btid);
	row.expires = p->expires[p->keys];
	row.address = crowd_address(i);
	row.port = MIKEY_PORT;
	crowd_muk(s, i, p->keys, row.muk);
	if (ue_phones_add(ue_site_phones(s->air.phones), &row) != 0)
		abort();
}

void crowd_init(struct sim *s)
{
	struct crowd *c = &s->crowd;

	c->n = sim_chance(s, 7) ? 800 + sim_draw(s, CROWD_MAX - 800) : 5 + sim_draw(s, 90);
	c->person = calloc(c->n, sizeof(*c->person));
	if (c->person == NULL || dp_muk_prep_create(0, &c->prep) != 0)
		abort();
	for (unsigned i = 0; i < c->n; i++) {
		struct person *p = &c->person[i];

		p->expires[0] = expiry_draw(s);
		p->in = (uint8_t)(sim_draw(s, 1u << s->bmsc.groups) | (sim_chance(s, 80) ? 1 : 0));
		phone_add(s, i);
	}
}

void crowd_fini(struct crowd *c)
{
	dp_muk_prep_destroy(c->prep);
	free(c->person);
	*c = (struct crowd){0};
}

bool crowd_bootstrap(struct sim *s, unsigned person)
{
	struct person *p = &s->crowd.person[person];
	char btid[STORE_NAI_MAX + 1];
	uint8_t muk[STORE_MUK_BYTES];
	struct ue_fresh fresh = {.btid = btid, .muk = muk, .mrk = muk};

	if (p->keys + 1 >= CROWD_KEYS)
		return false;
	p->keys++;
	p->expires[p->keys] = s->is_calm ? os_true_s() + LONG_LIFE_S : expiry_draw(s);
	crowd_btid(person, p->keys, btid);
	crowd_muk(s, person, p->keys, muk);
	fresh.btid_len = strlen(btid);
	fresh.expires = p->expires[p->keys];
	if (ue_phones_renew(ue_site_phones(s->air.phones), person, &fresh) != 0)
		abort();
	sim_note(s, "bootstrap person=%u key=%u", person, p->keys);
	return true;
}

void crowd_record(struct sim *s, unsigned person, struct store_subscriber *sub)
{
	const struct person *p = &s->crowd.person[person];
	struct ue_address address = crowd_address(person);

	*sub = (struct store_subscriber){
		.flags = STORE_HAS_MUK,
		.port = MIKEY_PORT,
		.expires = (uint32_t)p->expires[p->keys],
	};
	crowd_impi(person, sub->impi);
	crowd_btid(person, p->keys, sub->btid);
	memcpy(sub->addr.byte, address.octets, sizeof(sub->addr.byte));
	crowd_muk(s, person, p->keys, sub->muk.byte);
	dp_muk_prep_burst(s->crowd.prep, sub->muk.byte, STORE_MUK_BYTES, &sub->muk_state,
		sizeof(sub->muk_state), 1);
}

struct known crowd_known(const struct person *p)
{
	return (struct known){.is_there = true, .key = p->keys, .in = p->in};
}

void crowd_doubt(struct maybe *maybe, struct known is)
{
	for (unsigned i = 0; i < maybe->n; i++)
		if (known_equal(maybe->is[i], is))
			return;
	if (maybe->n == CROWD_MAYBE)
		abort();
	maybe->is[maybe->n++] = is;
}
