// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "forge.h"

#include <string.h>

#include <rte_icmp.h>
#include <rte_ip.h>

#include "script.h"
#include "site.h"
#include "ue/frame.h"
#include "ue/site.h"

// What one message is made of; a kind changes one thing of what a good one has.
struct forgery {
	struct mikey_verification msg;
	struct mikey_bytes rand;
	unsigned sealed_by; // the person whose MUK makes the MAC
	bool has_bad_mac;
	bool has_bad_bit;
	bool is_truncated;
};

typedef void forge_kind(struct site *s, const struct campaign *c, struct forgery *f);

static void forge_good(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	(void)c;
	(void)f;
}

static void forge_bad_mac(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	(void)c;
	f->has_bad_mac = true;
}

static void forge_bit(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	(void)c;
	f->has_bad_bit = true;
}

static void forge_truncated(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	(void)c;
	f->is_truncated = true;
}

// The MAC is right, of somebody else.
static void forge_wrong_phone(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)c;
	f->sealed_by = (f->sealed_by + 1) % s->people.n;
}

// From before the campaign, as an answer to an earlier one of the same MSK would be.
static void forge_stale(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	f->msg.counter = atomic_load(&c->dp->first_counter) - 1;
}

static void forge_future(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	(void)c;
	f->msg.counter++;
}

static void forge_wrong_csb(struct site *s, const struct campaign *c, struct forgery *f)
{
	(void)s;
	(void)c;
	f->msg.csb_id ^= 0x00800000;
}

// Under the RAND of another MSK.
static void forge_wrong_msk(struct site *s, const struct campaign *c, struct forgery *f)
{
	static const uint8_t other[MIKEY_RAND_BYTES] = {1, 2, 3};

	(void)s;
	(void)c;
	f->rand = (struct mikey_bytes){other, sizeof(other)};
}

static void forge_unknown(struct site *s, const struct campaign *c, struct forgery *f)
{
	static const uint8_t nobody[] = "nobody@example.org";

	(void)s;
	(void)c;
	f->msg.idr = (struct mikey_bytes){nobody, sizeof(nobody) - 1};
}

static const struct {
	const char *name;
	forge_kind *change;
} kinds[] = {
	{"good", forge_good},
	{"bad-mac", forge_bad_mac},
	{"bit", forge_bit},
	{"truncated", forge_truncated},
	{"wrong-phone", forge_wrong_phone},
	{"stale-counter", forge_stale},
	{"future-counter", forge_future},
	{"wrong-csb", forge_wrong_csb},
	{"wrong-msk", forge_wrong_msk},
	{"unknown-idr", forge_unknown},
};

static size_t message_seal(
	struct site *s, const struct campaign *c, const struct forgery *f, uint8_t *out, size_t cap)
{
	const struct dp_msk *msk = &c->dp->msk;
	struct mikey_bytes idi = s->wire.phones->receiver.fqdn;
	uint8_t key[MIKEY_AUTH_KEY_BYTES];
	struct ue_hmac psk, auth;
	size_t len;

	if (msk->profile == MIKEY_PROFILE_V600)
		idi = (struct mikey_bytes){msk->kdi, sizeof(msk->kdi)};
	ue_hmac_init(&psk, s->people.person[f->sealed_by].muk, UE_KEY_BYTES);
	ue_derive(&psk, MIKEY_DERIVE_AUTH, f->msg.csb_id, f->rand, key, sizeof(key));
	ue_hmac_init(&auth, key, sizeof(key));
	len = ue_verification(&s->wire.phones->receiver, &f->msg, idi, &auth, out, cap);
	if (len == 0)
		script_fail("the forged message cannot be made");
	if (f->has_bad_mac)
		out[len - 1] ^= 0xff;
	if (f->has_bad_bit)
		out[ue_rng_below(&s->wire.rng, len)] ^=
			(uint8_t)(1u << ue_rng_below(&s->wire.rng, 8));
	return f->is_truncated ? ue_rng_below(&s->wire.rng, len) : len;
}

bool forge_send(struct site *s, const struct campaign *c, unsigned person, const char *kind)
{
	const struct person *who = &s->people.person[person];
	uint8_t frame[UE_FRAME_MAX_BYTES];
	struct forgery f = {
		.msg = {.csb_id = c->dp->msk.csb_id,
			.counter = counter_last(&s->shared.counter, who->id),
			.idr = {(const uint8_t *)who->btid, (uint16_t)strlen(who->btid)}},
		.rand = {c->dp->msk.rand, sizeof(c->dp->msk.rand)},
		.sealed_by = person,
	};
	struct ue_flow flow = {
		.station = &s->wire.phones->station,
		.destination_mac = s->conf.port[0].mac,
		.source = people_address(&s->people, person),
		.destination = wire_port_address(s, who->has_ipv6),
		.source_port = MIKEY_PORT,
		.destination_port = MIKEY_PORT,
	};
	unsigned k = 0;
	size_t at, len;

	while (k < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[k].name, kind) != 0)
		k++;
	if (k == sizeof(kinds) / sizeof(kinds[0]))
		return false;
	kinds[k].change(s, c, &f);
	at = ue_frame_payload_at(flow.station, &flow.source);
	len = message_seal(s, c, &f, frame + at, sizeof(frame) - at);
	wire_inject(&s->wire, frame, ue_frame_udp(frame, &flow, len));
	return true;
}

void ping_send(struct site *s, unsigned person)
{
	struct {
		struct rte_ether_hdr ether;
		struct rte_ipv4_hdr ip;
		struct rte_icmp_hdr icmp;
	} __attribute__((packed, aligned(2))) frame = {
		.ether.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
		.ip.version_ihl = RTE_IPV4_VHL_DEF,
		.ip.total_length = rte_cpu_to_be_16(sizeof(frame.ip) + sizeof(frame.icmp)),
		.ip.time_to_live = 64,
		.ip.next_proto_id = IPPROTO_ICMP,
		.icmp.icmp_type = RTE_IP_ICMP_ECHO_REQUEST,
		.icmp.icmp_cksum = rte_cpu_to_be_16(0xffff - (RTE_IP_ICMP_ECHO_REQUEST << 8)),
	};
	struct ue_address from = people_address(&s->people, person);
	struct ue_address to = wire_port_address(s, false);
	struct rte_ipv4_hdr ip;

	memcpy(&frame.ether.dst_addr, s->conf.port[0].mac, RTE_ETHER_ADDR_LEN);
	memcpy(&frame.ether.src_addr, s->wire.phones->station.mac, RTE_ETHER_ADDR_LEN);
	memcpy(&frame.ip.src_addr, from.octets + 12, sizeof(frame.ip.src_addr));
	memcpy(&frame.ip.dst_addr, to.octets + 12, sizeof(frame.ip.dst_addr));
	ip = frame.ip; // aligned
	frame.ip.hdr_checksum = rte_ipv4_cksum(&ip);
	wire_inject(&s->wire, (const uint8_t *)&frame, sizeof(frame));
}
