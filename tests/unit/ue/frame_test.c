// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/frame.h"

#include "support.h"

static struct mikey_bytes good(void)
{
	return frame_to(ADDRESS, 2269, vector("F.msg"));
}

// The same to be changed; returns its length.
static uint16_t good_copy(uint8_t copy[512])
{
	struct mikey_bytes frame = good();

	memcpy(copy, frame.data, frame.len);
	return frame.len;
}

static struct answer take(struct ue_site *site, const uint8_t *frame, size_t len)
{
	return site_take(site, (struct mikey_bytes){frame, (uint16_t)len});
}

// Changes one octet of a good frame, mends the checksums when asked to, and expects a refusal.
static void expect_changed(size_t at, uint8_t value, bool mend, enum ue_refusal refusal)
{
	struct ue_site *site = site_of_one();
	uint8_t copy[512];
	uint16_t len = good_copy(copy);

	copy[at] = value;
	if (mend)
		frame_mend(copy);
	assert_int_equal(take(site, copy, len).len, 0);
	assert_int_equal(ue_site_refused(site, refusal), 1);
	ue_site_destroy(site);
}

static void answer_goes_back_the_way_the_message_came(void **state)
{
	struct ue_site *site = *state;
	struct answer answer = site_take(site, good());
	uint8_t mended[UE_FRAME_MAX_BYTES];

	assert_int_equal(answer.len, 42 + vector("G.msg").len);
	assert_memory_equal(answer.frame, bmsc_mac, 6);
	assert_memory_equal(answer.frame + 6, ue_mac, 6);
	assert_memory_equal(answer.frame + 12, hex("0800").data, 2);
	assert_memory_equal(answer.frame + 26, hex("0a000007c0a81a02").data, 8);
	assert_memory_equal(answer.frame + 34, hex("08dd08dd").data, 4);
	memcpy(mended, answer.frame, answer.len);
	frame_mend(mended);
	assert_memory_equal(mended, answer.frame, answer.len);
}

static void headers_with_a_flaw_are_refused_by_name(void **state)
{
	(void)state;
	expect_changed(0, 0x04, false, UE_NOT_OUR_MAC);
	expect_changed(12, 0x86, false, UE_ETHERTYPE);
	expect_changed(14, 0x65, true, UE_IP_HEADER);
	expect_changed(14, 0x44, true, UE_IP_HEADER);
	expect_changed(16, 0x40, true, UE_IP_HEADER);
	expect_changed(24, 0x01, false, UE_IP_CHECKSUM);
	expect_changed(20, 0x20, true, UE_IP_FRAGMENT);
	expect_changed(21, 0x01, true, UE_IP_FRAGMENT);
	expect_changed(22, 0x00, true, UE_IP_TTL);
	expect_changed(23, 0x06, true, UE_IP_PROTOCOL);
	expect_changed(38, 0x7f, false, UE_UDP_LENGTH);
	expect_changed(41, 0x00, false, UE_UDP_CHECKSUM);
	expect_changed(100, 0x00, false, UE_UDP_CHECKSUM);
}

static void do_not_fragment_is_no_fragment(void **state)
{
	struct ue_site *site = *state;
	uint8_t copy[512];
	uint16_t len = good_copy(copy);

	copy[20] = 0x40;
	frame_mend(copy);
	assert_true(take(site, copy, len).len > 0);
}

static void missing_udp_checksum_is_accepted(void **state)
{
	struct ue_site *site = *state;
	uint8_t copy[512];
	uint16_t len = good_copy(copy);

	copy[40] = 0;
	copy[41] = 0;
	assert_true(take(site, copy, len).len > 0);
}

static void ethernet_padding_is_cut_off(void **state)
{
	struct ue_site *site = *state;
	uint8_t copy[512];
	uint16_t len = good_copy(copy);

	memset(copy + len, 0xee, 9);
	assert_true(take(site, copy, len + 9).len > 0);
}

static void octets_behind_the_udp_datagram_are_cut_off(void **state)
{
	struct ue_site *site = *state;
	uint8_t copy[512];
	uint16_t len = good_copy(copy);

	memset(copy + len, 0xee, 9);
	copy[17] = (uint8_t)(copy[17] + 9);
	frame_mend(copy);
	assert_true(take(site, copy, len + 9).len > 0);
}

static void ip_options_are_stepped_over(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes frame = good();
	uint8_t copy[512];

	memcpy(copy, frame.data, 34);
	memset(copy + 34, 1, 4);
	memcpy(copy + 38, frame.data + 34, (size_t)frame.len - 34);
	copy[14] = 0x46;
	copy[17] = (uint8_t)(copy[17] + 4);
	frame_mend(copy);
	assert_true(take(site, copy, frame.len + 4).len > 0);
}

static void every_truncated_frame_is_refused(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes frame = good();

	for (uint16_t len = 0; len < frame.len; len++)
		assert_int_equal(take(site, frame.data, len).len, 0);
	assert_int_equal(ue_site_count(site, UE_COUNT_MSK), 0);
	assert_int_equal(
		ue_site_refused(site, UE_RUNT) + ue_site_refused(site, UE_IP_HEADER), frame.len);
}

static struct mikey_bytes arp_request(const char *target)
{
	static uint8_t frame[42];

	memset(frame, 0xff, 6);
	memcpy(frame + 6, bmsc_mac, 6);
	memcpy(frame + 12, hex("08060001080006040001").data, 10);
	memcpy(frame + 22, bmsc_mac, 6);
	memcpy(frame + 28, hex("c0a81a02000000000000").data, 10);
	memcpy(frame + 38, hex(target).data, 4);
	return (struct mikey_bytes){frame, 42};
}

static void arp_is_answered_for_gateway_and_phones(void **state)
{
	const char *const targets[] = {"c0a81a01", "0a000007"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ue_site *site = site_of_one();
		struct answer answer = site_take(site, arp_request(targets[i]));
		char wanted[128];

		snprintf(wanted, sizeof(wanted),
			"020000002602"
			"020000002601"
			"08060001080006040002"
			"020000002601%s"
			"020000002602"
			"c0a81a02",
			targets[i]);
		assert_int_equal(answer.len, 42);
		assert_memory_equal(answer.frame, hex(wanted).data, 42);
		ue_site_destroy(site);
	}
}

static void arp_for_others_and_odd_arp_is_refused(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes frame = arp_request("0a000008");
	uint8_t copy[42];

	assert_int_equal(site_take(site, frame).len, 0);
	assert_int_equal(ue_site_refused(site, UE_ARP_NOT_OURS), 1);
	memcpy(copy, frame.data, 42);
	copy[21] = 2;
	assert_int_equal(take(site, copy, 42).len, 0);
	assert_int_equal(ue_site_refused(site, UE_ARP_NOT_REQUEST), 1);
	copy[18] = 8;
	assert_int_equal(take(site, copy, 42).len, 0);
	assert_int_equal(ue_site_refused(site, UE_ARP_MALFORMED), 1);
	assert_int_equal(take(site, copy, 41).len, 0);
	assert_int_equal(ue_site_refused(site, UE_RUNT), 1);
}

// An echo request to the gateway, as ping sends it (checksums from an independent computation).
static const char echo_request[] = "020000002601"
				   "020000002602"
				   "0800"
				   "45000020000000004001c589c0a81a02c0a81a01"
				   "080021041234000161626364";

static void ping_to_the_gateway_is_answered(void **state)
{
	struct ue_site *site = *state;
	struct answer answer = site_take(site, hex(echo_request));

	assert_int_equal(answer.len, 46);
	assert_memory_equal(answer.frame + 26, hex("c0a81a01c0a81a02").data, 8);
	assert_memory_equal(answer.frame + 34, hex("000029041234000161626364").data, 12);
	assert_int_equal(ue_site_count(site, UE_COUNT_ECHO), 1);
}

static void damaged_ping_is_refused(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes frame = hex(echo_request);
	uint8_t copy[46];

	memcpy(copy, frame.data, frame.len);
	copy[45] ^= 1;
	assert_int_equal(take(site, copy, frame.len).len, 0);
	assert_int_equal(ue_site_refused(site, UE_ICMP), 1);
}

static void answer_that_does_not_fit_changes_nothing(void **state)
{
	struct ue_site *site = *state;
	struct ue_now now = now_at(0);
	struct mikey_bytes frame = good();
	uint8_t out[146];

	assert_int_equal(ue_site_receive(site, frame.data, frame.len, &now, out, 145), 0);
	assert_int_equal(ue_site_refused(site, UE_NO_ROOM), 1);
	assert_int_equal(site->phones.with_msk, 0);
	assert_int_equal(ue_site_receive(site, frame.data, frame.len, &now, out, 146), 146);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PHONE(answer_goes_back_the_way_the_message_came),
		cmocka_unit_test(headers_with_a_flaw_are_refused_by_name),
		WITH_PHONE(do_not_fragment_is_no_fragment),
		WITH_PHONE(missing_udp_checksum_is_accepted),
		WITH_PHONE(ethernet_padding_is_cut_off),
		WITH_PHONE(octets_behind_the_udp_datagram_are_cut_off),
		WITH_PHONE(ip_options_are_stepped_over),
		WITH_PHONE(every_truncated_frame_is_refused),
		cmocka_unit_test(arp_is_answered_for_gateway_and_phones),
		WITH_PHONE(arp_for_others_and_odd_arp_is_refused),
		WITH_PHONE(ping_to_the_gateway_is_answered),
		WITH_PHONE(damaged_ping_is_refused),
		WITH_PHONE(answer_that_does_not_fit_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
