// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs that say what there is before anything runs.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "site.h"

static void verb_workers(struct site *s, struct words *w)
{
	s->conf.workers = (unsigned)word_number(w, "number of workers", 1, WIRE_QUEUES);
	words_end(w);
}

// phones N [profile v600]
static void verb_phones(struct site *s, struct words *w)
{
	unsigned n = (unsigned)word_number(w, "number of phones", 1, PEOPLE_MAX);

	people_init(&s->people, n, site_true_s(s));
	if (word_take_if(w, "profile")) {
		const char *profile = word_take(w, "a profile");

		if (strcmp(profile, "v600") == 0)
			s->people.profile = MIKEY_PROFILE_V600;
		else if (strcmp(profile, "ts33246") != 0)
			script_fail("phones: there is no profile '%s'", profile);
	}
	words_end(w);
}

static void each(struct site *s, struct words *w, void (*fn)(struct person *person))
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		fn(&s->people.person[ids.id[i]]);
}

static void lose_muk(struct person *person)
{
	person->has_muk = false;
}

static void verb_no_muk(struct site *s, struct words *w)
{
	each(s, w, lose_muk);
}

static void expire(struct person *person)
{
	person->expires -= 365 * 86400;
}

static void verb_expired(struct site *s, struct words *w)
{
	each(s, w, expire);
}

static void lose_address(struct person *person)
{
	person->has_address = false;
}

static void verb_no_address(struct site *s, struct words *w)
{
	each(s, w, lose_address);
}

static void take_ipv6(struct person *person)
{
	person->has_ipv6 = true;
}

static void verb_ipv6(struct site *s, struct words *w)
{
	each(s, w, take_ipv6);
}

static void take_uicc(struct person *person)
{
	person->is_in_uicc = true;
}

static void verb_uicc(struct site *s, struct words *w)
{
	each(s, w, take_uicc);
}

static void take_long_name(struct person *person)
{
	person->has_long_name = true;
}

static void verb_long_name(struct site *s, struct words *w)
{
	each(s, w, take_long_name);
}

// expires IDS in 90s
static void verb_expires(struct site *s, struct words *w)
{
	struct ids ids;
	int64_t at;

	words_ids(w, &s->people, &ids);
	word_take_if(w, "in");
	at = site_true_s(s) + word_duration_ms(w) / 1000;
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		s->people.person[ids.id[i]].expires = at;
}

// group 2 over IDS
static void verb_group(struct site *s, struct words *w)
{
	long group = word_number(w, "group", 1, PEOPLE_GROUPS);
	struct ids ids;

	word_take_if(w, "over");
	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		s->people.person[ids.id[i]].is_in[group] = true;
}

static void verb_mtu(struct site *s, struct words *w)
{
	s->conf.port[0].mtu = (unsigned)word_number(w, "MTU", 100, 1500);
	words_end(w);
}

static void verb_buffers(struct site *s, struct words *w)
{
	s->conf.port[0].mbufs = (unsigned)word_number(w, "number of buffers", 256, 4095);
	words_end(w);
}

// --- The network ----------------------------------------------------------------------------

static struct dp_prefix prefix_take(struct words *w)
{
	char text[64];
	const char *slash;
	struct ue_address address;
	struct dp_prefix prefix;

	snprintf(text, sizeof(text), "%s", word_take(w, "an address"));
	slash = strchr(text, '/');
	if (!ue_address_parse(
		    &address, text, slash != NULL ? (size_t)(slash - text) : strlen(text)))
		script_fail("%s: '%s' is no address", w->word[0], text);
	memcpy(prefix.addr.byte, address.octets, sizeof(prefix.addr.byte));
	prefix.len = 128;
	if (slash != NULL)
		prefix.len = (uint8_t)(atoi(slash + 1) + (dp_addr_is_v4(&prefix.addr) ? 96 : 0));
	return prefix;
}

// second-port: with addresses and a gateway of its own
static void verb_second_port(struct site *s, struct words *w)
{
	struct dp_port_conf *port = &s->conf.port[1];

	words_end(w);
	*port = s->conf.port[0];
	port->name = "port1";
	port->device = "net_ring_scenario1";
	port->mac[5] = 0x11;
	port->address[0].addr.byte[14] = 27;
	port->gateway[0].byte[14] = 27;
	s->conf.ports = 2;
	site_gateway(s, 1, "192.168.27.254");
}

// address IP/LEN: one more of the first port
static void verb_address(struct site *s, struct words *w)
{
	struct dp_port_conf *port = &s->conf.port[0];

	port->address[port->addresses++] = prefix_take(w);
	words_end(w);
}

// gateway-at IP [port N] [default]: one more on the wire; default: the file names it as well
static void verb_gateway_at(struct site *s, struct words *w)
{
	const char *text = w->word[w->at];
	struct dp_addr address = prefix_take(w).addr;
	unsigned port = word_take_if(w, "port") ? (unsigned)word_number(w, "port", 0, 1) : 0;

	site_gateway(s, port, text);
	if (word_take_if(w, "default"))
		s->conf.port[port].gateway[s->conf.port[port].gateways++] = address;
	words_end(w);
}

// no-gateway: the file names none
static void verb_no_gateway(struct site *s, struct words *w)
{
	words_end(w);
	s->conf.port[0].gateways = 0;
}

// route PREFIX via IP [mtu N] [source IP] [port NAME]
static void verb_route(struct site *s, struct words *w)
{
	struct dp_route_conf *route = &s->conf.route[s->conf.routes++];

	*route = (struct dp_route_conf){.port = ""};
	route->to = prefix_take(w);
	word_take_if(w, "via");
	route->via = prefix_take(w).addr;
	if (word_take_if(w, "mtu"))
		route->mtu = (unsigned)word_number(w, "MTU", 100, 1500);
	if (word_take_if(w, "source"))
		route->source = prefix_take(w).addr;
	words_end(w);
}

// area NAME PREFIX... [rate N]
static void verb_area(struct site *s, struct words *w)
{
	struct dp_area_conf *area = &s->conf.area[s->conf.areas++];

	area->name = strdup(word_take(w, "a name"));
	while (w->at < w->n && area->prefixes < DP_AREA_PREFIXES_MAX) {
		if (word_take_if(w, "rate"))
			area->rate = (uint32_t)word_number(w, "UEs per second", 0, INT32_MAX);
		else
			area->prefix[area->prefixes++] = prefix_take(w);
	}
	words_end(w);
}

// vlan OUTER [INNER]
static void verb_vlan(struct site *s, struct words *w)
{
	struct dp_port_conf *port = &s->conf.port[0];

	while (w->at < w->n && port->vlans < DP_VLANS_MAX)
		port->vlan[port->vlans++] = (uint16_t)word_number(w, "VLAN", 1, 4094);
	words_end(w);
}

static void verb_seed(struct site *s, struct words *w)
{
	s->seed = (uint64_t)word_number(w, "seed", 0, INT32_MAX);
	words_end(w);
}

// A store nobody has ever used, without marks.
static void verb_new_store(struct site *s, struct words *w)
{
	words_end(w);
	s->has_mark_file = s->has_store_mark = false;
	s->mark = s->store_mark = 0;
}

// Sets the clock of the machine forward, against the true time.
static void verb_clock(struct site *s, struct words *w)
{
	s->clock_error_s += word_duration_ms(w) / 1000;
	words_end(w);
}

// The mark stands so many values below the last one there is.
static void verb_values_left(struct site *s, struct words *w)
{
	s->mark = s->store_mark = COUNTER_MAX - (uint32_t)word_number(w, "number", 1, INT32_MAX);
	words_end(w);
}

const struct verb verbs_setup[] = {
	{"workers", verb_workers, true},
	{"phones", verb_phones, true},
	{"group", verb_group, true},
	{"no-muk", verb_no_muk, true},
	{"expired", verb_expired, true},
	{"expires", verb_expires, true},
	{"no-address", verb_no_address, true},
	{"ipv6", verb_ipv6, true},
	{"uicc", verb_uicc, true},
	{"long-name", verb_long_name, true},
	{"mtu", verb_mtu, true},
	{"buffers", verb_buffers, true},
	{"second-port", verb_second_port, true},
	{"address", verb_address, true},
	{"gateway-at", verb_gateway_at, true},
	{"no-gateway", verb_no_gateway, true},
	{"route", verb_route, true},
	{"area", verb_area, true},
	{"vlan", verb_vlan, true},
	{"seed", verb_seed, true},
	{"new-store", verb_new_store, true},
	{"clock", verb_clock, true},
	{"values-left", verb_values_left, true},
	{0},
};
