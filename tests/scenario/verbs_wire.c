// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs of the wire between daemon and phones, and of the gateways on it.

#include <string.h>

#include <rte_ethdev.h>

#include "forge.h"
#include "script.h"
#include "site.h"
#include "ue/site.h"

static void verb_loss(struct site *s, struct words *w)
{
	s->wire.phones->wire.impairment.loss = word_percent(w);
	words_end(w);
}

static void verb_duplicate(struct site *s, struct words *w)
{
	s->wire.phones->wire.impairment.duplicate = word_percent(w);
	words_end(w);
}

static void verb_reorder(struct site *s, struct words *w)
{
	s->wire.phones->wire.impairment.reorder = word_percent(w);
	words_end(w);
}

// delay TIME [jitter TIME]
static void verb_delay(struct site *s, struct words *w)
{
	struct ue_impairment *impairment = &s->wire.phones->wire.impairment;

	impairment->delay_us = (uint32_t)word_duration_ms(w) * 1000;
	if (word_take_if(w, "jitter"))
		impairment->jitter_us = (uint32_t)word_duration_ms(w) * 1000;
	words_end(w);
}

// flip P [deep]: deep flips get past every checksum but the MAC
static void verb_flip(struct site *s, struct words *w)
{
	s->wire.flips = word_percent(w);
	s->wire.is_flip_deep = word_take_if(w, "deep");
	words_end(w);
}

static void verb_late(struct site *s, struct words *w)
{
	words_end(w);
	s->wire.is_holding = true;
}

static void verb_release(struct site *s, struct words *w)
{
	words_end(w);
	s->wire.is_holding = false;
	STAILQ_CONCAT(&s->wire.answers, &s->wire.held);
}

// gateway [N] down | up | new-mac: the N-th one, from 0
static void verb_gateway(struct site *s, struct words *w)
{
	long n = w->n > 2 ? word_number(w, "gateway", 0, s->wire.gateways - 1) : 0;
	struct wire_gateway *gateway = &s->wire.gateway[n];

	if (word_take_if(w, "new-mac"))
		gateway->mac[5] ^= 0x80;
	else if (word_take_if(w, "down"))
		gateway->is_down = true;
	else if (word_take_if(w, "up"))
		gateway->is_down = false;
	words_end(w);
}

// link N down | up
static void verb_link(struct site *s, struct words *w)
{
	const struct port *port =
		&s->shared.port[word_number(w, "port", 0, (long)s->shared.ports - 1)];

	if (word_take_if(w, "down"))
		rte_eth_dev_set_link_down(port->id);
	else if (word_take_if(w, "up"))
		rte_eth_dev_set_link_up(port->id);
	words_end(w);
}

// claim N: somebody says, unasked, that the N-th gateway has another MAC
static void verb_claim(struct site *s, struct words *w)
{
	const struct wire_gateway *gateway =
		&s->wire.gateway[word_number(w, "gateway", 0, s->wire.gateways - 1)];
	const struct port *port = &s->shared.port[gateway->port];
	// An ARP reply (RFC 826) of 02:bb:bb:bb:bb:bb, from its EtherType on.
	static const uint8_t reply[16] = {0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00,
		0x02, 0x02, 0xbb, 0xbb, 0xbb, 0xbb, 0xbb};
	uint8_t frame[42] = {0};

	words_end(w);
	memcpy(frame, port->mac.addr_bytes, 6);
	memcpy(frame + 6, reply + 10, 6);
	memcpy(frame + 12, reply, sizeof(reply));
	memcpy(frame + 28, gateway->address.octets + 12, 4);
	memcpy(frame + 32, port->mac.addr_bytes, 6);
	memcpy(frame + 38, port->conf->address[0].addr.byte + 12, 4);
	wire_inject(&s->wire, frame, sizeof(frame));
}

// port-stuck TIME [port N]
static void verb_port_stuck(struct site *s, struct words *w)
{
	uint64_t until_ns = s->ns + (uint64_t)word_duration_ms(w) * 1000000u;
	long port = word_take_if(w, "port") ? word_number(w, "port", 0, WIRE_PORTS - 1) : 0;

	s->wire.stuck_until_ns[port] = until_ns;
	words_end(w);
}

// port-lost N: what a port has taken and nobody fetched is gone
static void verb_port_lost(struct site *s, struct words *w)
{
	long port = word_number(w, "port", 0, (long)s->wire.ports - 1);
	struct rte_mbuf *m;

	words_end(w);
	for (unsigned q = 0; q < WIRE_QUEUES; q++)
		while (rte_ring_dequeue(s->wire.tx[port][q], (void **)&m) == 0)
			rte_pktmbuf_free(m);
}

// forge IDS KIND [campaign N] [times N]
static void verb_forge(struct site *s, struct words *w)
{
	struct campaign *c;
	unsigned n = s->control.n, times = 1;
	const char *kind;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	kind = word_take(w, "a kind");
	if (word_take_if(w, "campaign"))
		n = (unsigned)word_number(w, "campaign", 1, n);
	if (word_take_if(w, "times"))
		times = (unsigned)word_number(w, "times", 1, 1000);
	words_end(w);
	if (n == 0)
		script_fail("forge: no campaign was started");
	c = s->control.campaign[n - 1];
	for (unsigned i = 0; i < ids.n * times; i++)
		if (!forge_send(s, c, ids.id[i % ids.n], kind))
			script_fail("forge: there is no kind '%s'", kind);
}

// ping IDS [times N]
static void verb_ping(struct site *s, struct words *w)
{
	unsigned times = 1;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	if (word_take_if(w, "times"))
		times = (unsigned)word_number(w, "times", 1, 10000);
	words_end(w);
	for (unsigned i = 0; i < ids.n * times; i++)
		ping_send(s, ids.id[i % ids.n]);
}

const struct verb verbs_wire[] = {
	{"loss", verb_loss, false},
	{"duplicate", verb_duplicate, false},
	{"reorder", verb_reorder, false},
	{"delay", verb_delay, false},
	{"flip", verb_flip, false},
	{"late", verb_late, false},
	{"release", verb_release, false},
	{"gateway", verb_gateway, false},
	{"link", verb_link, false},
	{"claim", verb_claim, false},
	{"port-stuck", verb_port_stuck, false},
	{"port-lost", verb_port_lost, false},
	{"forge", verb_forge, false},
	{"ping", verb_ping, false},
	{0},
};
