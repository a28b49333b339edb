// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as datagrams to a phone and to a multicast address that it listens on: whatever comes,
// it is taken or refused by name. Seeds are sealed for this phone, so that what stands behind the
// MAC is reached too; a message that holds is taken once and never again.

#include <stdlib.h>
#include <string.h>

#include "ue/csv.h"
#include "ue/site.h"

#define ROWS                                                                           \
	"impi,btid,muk,expires,address,services\n"                                     \
	"a@ims,I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org,"        \
	"f16197fcabf87299f60458efcf92cf1a9a4beb1429c111137258e2648a71a8bd,1800003600," \
	"10.0.0.7,news\n"                                                              \
	"b@ims,,,,10.0.0.8,news\n"
#define NOW_S INT64_C(1800000000)
#define PAYLOAD_MAX 1400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0x26, 1}, peer_mac[6] = {0x02, 0, 0, 0, 0x26, 2};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct ue_site *site_make(void)
{
	const struct ue_conf conf = {
		.fqdn = "bmsc.home1.net", .mac = {0x02, 0, 0, 0, 0x26, 1}, .ts_bytes = 4};
	char why[UE_WHY_BYTES];
	struct ue_site *site;

	require(ue_site_create(&site, &conf) == 0);
	require(ue_csv_load(ue_site_phones(site), ROWS, sizeof(ROWS) - 1, why) == 0);
	site->mtk.group_count = ue_mtk_groups_parse(site->mtk.groups, "232.1.1.1:5004");
	return site;
}

static uint64_t outcomes(const struct ue_site *site)
{
	uint64_t n = ue_site_count(site, UE_COUNT_MSK) + ue_site_count(site, UE_COUNT_SOLICIT) +
		ue_site_count(site, UE_COUNT_MTK);

	for (int i = 1; i < UE_REFUSAL_COUNT; i++)
		n += ue_site_refused(site, (enum ue_refusal)i);
	return n;
}

static size_t datagram_put(uint8_t *frame, bool is_multicast, const uint8_t *data, size_t len)
{
	static const struct ue_station peer = {.mac = {0x02, 0, 0, 0, 0x26, 2}};
	const uint8_t *to =
		is_multicast ? (const uint8_t[]){232, 1, 1, 1} : (const uint8_t[]){10, 0, 0, 7};
	uint8_t to_mac[6];
	struct ue_flow flow = {
		.station = &peer,
		.destination_mac = mac,
		.source = ue_address_v4((const uint8_t[]){192, 168, 26, 2}),
		.destination = ue_address_v4(to),
		.source_port = 2269,
		.destination_port = is_multicast ? 5004 : 2269,
	};

	if (is_multicast) {
		ue_group_mac(&flow.destination, to_mac);
		flow.destination_mac = to_mac;
	}
	memcpy(frame + ue_frame_payload_at(&peer, &flow.source), data, len);
	return ue_frame_udp(frame, &flow, len);
}

// A frame of exactly its size arrives; phones hear it to the end.
static void datagram_take(struct ue_site *site, bool is_multicast, const uint8_t *data, size_t len)
{
	const struct ue_now now = {.wall = NOW_S * 1000000, .mono = 1};
	uint8_t frame[UE_FRAME_MAX_BYTES], out[UE_FRAME_MAX_BYTES], *exact;
	size_t frame_len = datagram_put(frame, is_multicast, data, len), answer;
	uint64_t before = outcomes(site);

	exact = malloc(frame_len);
	require(exact != NULL);
	memcpy(exact, frame, frame_len);
	answer = ue_site_receive(site, exact, frame_len, &now, out, sizeof(out));
	free(exact);
	require(answer == 0 || (!is_multicast && memcmp(out, peer_mac, sizeof(peer_mac)) == 0));
	require(outcomes(site) == before + 1);
	while (ue_site_due(site) <= now.mono)
		require(ue_site_poll(site, &now, out, sizeof(out)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ue_site *site = site_make();
	uint64_t taken, solicited;

	// A length in two octets, whose first bit says where it goes, and so many octets; and so
	// on.
	while (size >= 3) {
		size_t len = ((size_t)data[0] << 8 | data[1]) & 0x7fff;
		bool is_multicast = data[0] >> 7 != 0;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (len > PAYLOAD_MAX)
			len = PAYLOAD_MAX;
		datagram_take(site, is_multicast, data, len);
		taken = ue_site_count(site, UE_COUNT_MSK) + ue_site_count(site, UE_COUNT_MTK_TAKEN);
		solicited = ue_site_count(site, UE_COUNT_SOLICIT);
		datagram_take(site, is_multicast, data, len);
		require(taken ==
			ue_site_count(site, UE_COUNT_MSK) +
				ue_site_count(site, UE_COUNT_MTK_TAKEN));
		require(solicited == ue_site_count(site, UE_COUNT_SOLICIT));
		data += len;
		size -= len;
	}
	require(site->phones.with_msk <= 1);
	ue_site_destroy(site);
	return 0;
}
