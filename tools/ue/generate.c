// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "generate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gba.h"
#include "rng.h"

#define IMSI_DIGITS 15

// Draws `wanted` out of `left` candidates, one after the other: exact in number, random in
// place (Knuth, selection sampling).
struct lot {
	uint64_t wanted;
	uint64_t left;
};

static struct lot lot_of(double percent, uint64_t candidates)
{
	return (struct lot){(uint64_t)((double)candidates * percent / 100.0 + 0.5), candidates};
}

static bool lot_draw(struct lot *lot, struct ue_rng *rng)
{
	bool is_drawn = lot->wanted > 0 && ue_rng_below(rng, lot->left) < lot->wanted;

	lot->left--;
	lot->wanted -= is_drawn;
	return is_drawn;
}

struct generator {
	const struct ue_generate *conf;
	struct ue_rng rng;
	struct lot uicc;
	struct lot expired;
	struct lot no_muk;
};

static size_t text_put(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return len;
}

// The IMPI: prefix, number with leading zeros, domain.
static size_t impi_put(const struct generator *gen, char *out, uint64_t number)
{
	size_t at = text_put(out, gen->conf->imsi_prefix);

	for (size_t i = IMSI_DIGITS; i-- > at; number /= 10)
		out[i] = (char)('0' + number % 10);
	out[IMSI_DIGITS] = '@';
	at = IMSI_DIGITS + 1;
	return at + text_put(out + at, gen->conf->ims);
}

// Spec 4.3: with keys in the ME, MUK is Ks_NAF and MRK follows from it; with keys in the UICC,
// MRK is Ks_ext_NAF, a key of its own.
static size_t keys_put(struct generator *gen, char *out, bool in_uicc)
{
	uint8_t random[UE_GBA_RAND_BYTES], muk[UE_KEY_BYTES], mrk[UE_KEY_BYTES];
	bool is_expired = lot_draw(&gen->expired, &gen->rng);
	int64_t lifetime = gen->conf->lifetime;
	size_t at;

	ue_rng_fill(&gen->rng, random, sizeof(random));
	ue_rng_fill(&gen->rng, muk, sizeof(muk));
	if (in_uicc)
		ue_rng_fill(&gen->rng, mrk, sizeof(mrk));
	else
		ue_mrk(muk, mrk);
	at = ue_btid_put(out, random, gen->conf->bsf);
	out[at++] = ',';
	ue_hex_put(out + at, muk, sizeof(muk));
	at += 2 * sizeof(muk);
	out[at++] = ',';
	ue_hex_put(out + at, mrk, sizeof(mrk));
	at += 2 * sizeof(mrk);
	at += (size_t)sprintf(out + at, ",%" PRId64,
		is_expired ? gen->conf->now - 1 - lifetime : gen->conf->now + lifetime);
	return at;
}

// The address so many behind another one.
static struct ue_address address_behind(struct ue_address address, uint64_t number)
{
	for (int i = 15; i >= 0 && number > 0; i--) {
		number += address.octets[i];
		address.octets[i] = (uint8_t)number;
		number >>= 8;
	}
	return address;
}

static void address_print(
	const struct ue_generate *conf, uint64_t number, char text[UE_ADDRESS_TEXT])
{
	bool is_second = number % 2 == 1 && !ue_address_is_none(&conf->first_address6);
	struct ue_address address =
		address_behind(is_second ? conf->first_address6 : conf->first_address, number);

	ue_address_print(text, &address);
}

static size_t row_put(struct generator *gen, char *out, uint64_t number)
{
	const struct ue_generate *conf = gen->conf;
	bool in_uicc = lot_draw(&gen->uicc, &gen->rng);
	bool has_muk = !lot_draw(&gen->no_muk, &gen->rng);
	char address[UE_ADDRESS_TEXT];
	size_t at = impi_put(gen, out, number);

	out[at++] = ',';
	if (has_muk)
		at += keys_put(gen, out + at, in_uicc);
	else
		at += text_put(out + at, ",,,");
	address_print(conf, number, address);
	at += (size_t)sprintf(out + at, ",%s,%u,%s,%s,%s\n", address, MIKEY_PORT,
		in_uicc ? "uicc" : "me", conf->service,
		number < conf->unregistered ? "-" : conf->service);
	return at;
}

static int conf_check(const struct ue_generate *conf, char *why)
{
	struct ue_address last = address_behind(conf->first_address, conf->count);
	const char *cause = NULL;
	size_t digits = strlen(conf->imsi_prefix);
	double room = 1;

	for (size_t i = digits; i < IMSI_DIGITS; i++)
		room *= 10;
	if (conf->count == 0)
		cause = "there has to be at least one phone";
	else if (digits >= IMSI_DIGITS || strspn(conf->imsi_prefix, "0123456789") != digits)
		cause = "the IMSI prefix has to be at most 14 digits";
	else if ((double)conf->count > room)
		cause = "the IMSI prefix leaves too few digits for so many phones";
	else if (memcmp(&last, &conf->first_address, 12) != 0)
		cause = "there are not so many addresses behind the first one";
	else if (strlen(conf->bsf) + UE_BTID_HEAD_BYTES + 1 > UE_IDENTITY_MAX_BYTES ||
		strlen(conf->ims) + IMSI_DIGITS + 1 > UE_IDENTITY_MAX_BYTES ||
		strlen(conf->service) > UE_IDENTITY_MAX_BYTES)
		cause = "a domain or the service name is too long";
	if (cause != NULL)
		snprintf(why, UE_WHY_BYTES, "%s", cause);
	return cause != NULL ? -EINVAL : 0;
}

int ue_generate(const struct ue_generate *conf, FILE *out, char why[UE_WHY_BYTES])
{
	struct generator gen = {.conf = conf};
	char row[2048];
	int rc = conf_check(conf, why);

	if (rc != 0)
		return rc;
	ue_rng_init(&gen.rng, conf->seed);
	gen.uicc = lot_of(conf->uicc, conf->count);
	gen.no_muk = lot_of(conf->no_muk, conf->count);
	gen.expired = lot_of(conf->expired, conf->count - gen.no_muk.wanted);
	fputs("impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n", out);
	for (uint64_t i = 0; i < conf->count && !ferror(out); i++)
		fwrite(row, 1, row_put(&gen, row, i), out);
	explicit_bzero(row, sizeof(row));
	if (fflush(out) != 0 || ferror(out)) {
		rc = errno != 0 ? -errno : -EIO;
		snprintf(why, UE_WHY_BYTES, "%s", strerror(-rc));
	}
	return rc;
}
