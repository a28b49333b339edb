// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The lists of mappings in the configuration: ports, routes, areas.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_text.h"
#include "test.h"

#define TWO_PORTS                                                                         \
	"ports:\n"                                                                        \
	"  - {name: a, device: net_null0, address: [192.0.2.1/24, '2001:db8::1/64'],\n"   \
	"     gateway: [192.0.2.9, 'fe80::9'], gateway_mac: ['', '02:00:00:00:00:09']}\n" \
	"  - {device: net_null1, address: 198.51.100.1/24, vlan: [5, 6], dscp: 46}\n"

static void ports_routes_and_areas_are_read(void **state)
{
	(void)state;
	assert_int_equal(
		read_text(TWO_PORTS "routes:\n"
				    "  - {to: 10.0.0.0/8, via: 198.51.100.9, mtu: 1400}\n"
				    "  - {to: '2001:db8:1::/48', via: '2001:db8::9', port: a}\n"
				    "areas:\n"
				    "  - {name: north, prefixes: [10.0.0.0/9, '2001:db8:1::/49']}\n"
				    "  - {name: south, prefixes: 10.128.0.0/9}\n"),
		0);
	assert_int_equal(conf.ports, 2);
	assert_string_equal(conf.port[0].name, "a");
	assert_int_equal(conf.port[0].address.n, 2);
	assert_int_equal(conf.port[0].address.value[1].bits, 64);
	assert_int_equal(conf.port[0].gateway_mac.n, 2);
	assert_int_equal(conf.port[0].udp_port, 2269);
	assert_int_equal(conf.port[1].gateway.n, 0);
	assert_int_equal(conf.port[1].vlan.n, 2);
	assert_int_equal(conf.port[1].vlan.value[1], 6);
	assert_int_equal(conf.port[1].dscp, 46);
	assert_int_equal(conf.routes, 2);
	assert_int_equal(conf.route[0].to.bits, 96 + 8);
	assert_int_equal(conf.route[0].mtu, 1400);
	assert_int_equal(conf.areas, 2);
	assert_int_equal(conf.area[1].prefixes.n, 1);
}

static void wrong_ports_are_named(void **state)
{
	(void)state;
	expect_refused("ports: []\n", "f.yaml:1: ports: one at least is needed");
	expect_refused(
		"ports: {device: a}\n", "f.yaml:1: ports: wrong type; allowed: a list of mappings");
	expect_refused(
		"ports: [a]\n", "f.yaml:1: ports[0]: wrong type; allowed: a mapping of keys");
	expect_refused("port: {device: a}\nports: []\n",
		"f.yaml:2: ports: duplicate key; allowed: once, and port or ports");
	expect_refused("ports:\n  - {address: 192.0.2.1/24, gateway: 192.0.2.2}\n",
		"f.yaml: port.device: is needed");
	expect_refused("ports:\n  - {device: a}\n  - {device: b, vlan: [1, 2, 3]}\n",
		"f.yaml:3: ports[1].vlan: one too many: \"3\"; allowed: at most 2");
	expect_refused("ports:\n  - {device: a}\n  - {device: b, dscp: 64}\n",
		"f.yaml:3: ports[1].dscp: out of range: \"64\"; allowed: 0 to 63");
	expect_refused("ports:\n  - {device: a, device: b}\n",
		"f.yaml:2: ports[0].device: duplicate key; allowed: once");
	expect_refused("ports:\n"
		       "  - {name: x, device: a, address: 192.0.2.1/24, gateway: 192.0.2.2}\n"
		       "  - {name: x, device: b, address: 192.0.3.1/24}\n",
		"f.yaml: ports[1].name: \"x\" stands twice");
	expect_refused("ports:\n"
		       "  - {device: a, address: 192.0.2.1/24, gateway: 192.0.2.2}\n"
		       "  - {device: b, address: 192.0.2.1/25}\n",
		"f.yaml: ports[1].address: number 1 stands twice");
	expect_refused("port: {address: 'ff02::1', gateway: 'fe80::1'}\n",
		"f.yaml:1: port.address: not an address phones can answer to: \"ff02::1\"; "
		"allowed: an address, as 192.0.2.1, 192.0.2.1/24 or 2001:db8::1/64");
	expect_refused("port: {address: 192.0.2.1/24, gateway: 192.0.2.1}\n",
		"f.yaml: port.gateway: number 1 is an address of ours");
	expect_refused("port: {gateway_mac: ['02:00:00:00:00:01', '02:00:00:00:00:02']}\n",
		"f.yaml: port.gateway_mac: 2 for 1 gateways");
}

static void mac_address_is_made_of_hexadecimal_digits(void **state)
{
	static const char *const wrong[] = {"02:-1:00:00:00:01", "02:+1:00:00:00:01",
		"02: 1:00:00:00:01", "02:0x:00:00:00:01", "02:00:00:00:00:1", "02:00:00:00:00:010",
		"02-00-00-00-00-01", "03:00:00:00:00:01"};
	char yaml[64];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(yaml, sizeof(yaml), "port: {mac: '%s'}\n", wrong[i]);
		assert_int_equal(read_text(yaml), -EINVAL);
		assert_non_null(strstr(why, "not a MAC address"));
	}
	assert_int_equal(read_text("port: {mac: 'fE:00:00:00:00:1f'}\n"), 0);
	assert_int_equal(conf.port[0].mac.byte[0], 0xfe);
}

static void wrong_routes_are_named(void **state)
{
	(void)state;
	expect_refused("routes:\n  - {via: 192.0.2.9}\n", "f.yaml: routes[0].to: is needed");
	expect_refused("routes:\n  - {to: 10.0.0.0/8}\n", "f.yaml: routes[0].via: is needed");
	expect_refused("routes:\n  - {to: 10.0.0.0, via: 192.0.2.9}\n",
		"f.yaml:2: routes[0].to: not a prefix: \"10.0.0.0\"; allowed: a prefix, as "
		"10.0.0.0/8 or 2001:db8::/32");
	expect_refused("routes:\n  - {to: 10.0.0.1/8, via: 192.0.2.9}\n",
		"f.yaml: routes[0].to: has bits beyond the length of its prefix");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: 198.51.100.9}\n",
		"f.yaml: routes[0].via: on the link of no port, or of several: name the port");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: '2001:db8::9'}\n",
		"f.yaml: routes[0].via: of the other IP version than its prefix");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: 192.0.2.1}\n",
		"f.yaml: routes[0].via: an address of ours");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: 192.0.2.9, port: x}\n",
		"f.yaml: routes[0].port: there is no port \"x\"");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: 192.0.2.9, source: 192.0.2.7}\n",
		"f.yaml: routes[0].source: not an address of port \"port0\"");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: 192.0.2.9, mtu: 9000}\n",
		"f.yaml: routes[0].mtu: more than the port's");
	expect_refused("routes:\n  - {to: 10.0.0.0/8, via: 192.0.2.9}\n"
		       "  - {to: 10.0.0.0/8, via: 192.0.2.9}\n",
		"f.yaml: routes[1]: the same as routes[0]");
	expect_refused("port: {address: 192.0.2.1/24, gateway: []}\n",
		"f.yaml: port.gateway: nothing can be sent without a gateway or routes");
}

static void wrong_areas_are_named(void **state)
{
	(void)state;
	expect_refused("areas:\n  - {prefixes: 10.0.0.0/8}\n", "f.yaml: areas[0].name: is needed");
	expect_refused(
		"areas:\n  - {name: a}\n", "f.yaml: areas[0].prefixes: one at least is needed");
	expect_refused("areas:\n  - {name: a, prefixes: [10.0.0.0/8, 10.1.0.0/16]}\n",
		"f.yaml: areas[0].prefixes: number 2 overlaps with area \"a\"");
	expect_refused("areas:\n  - {name: a, prefixes: 10.0.0.0/8}\n"
		       "  - {name: b, prefixes: ['2001:db8::/32', 10.255.0.0/16]}\n",
		"f.yaml: areas[1].prefixes: number 2 overlaps with area \"a\"");
	expect_refused("areas:\n  - {name: a, prefixes: 10.0.0.0/8}\n"
		       "  - {name: a, prefixes: 11.0.0.0/8}\n",
		"f.yaml: areas[1].name: \"a\" stands twice");
	expect_refused("areas:\n  - {name: a, cells: 3}\n",
		"f.yaml:2: areas[0].cells: unknown key; allowed: name, prefixes, rate");
}

static void printed_lists_read_back_the_same(void **state)
{
	struct conf *before = malloc(sizeof(*before));
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(read_text(TWO_PORTS "routes: [{to: '::/0', via: '2001:db8::9'}]\n"
					     "areas: [{name: n, prefixes: 10.0.0.0/9}]\n"),
		0);
	*before = conf;
	conf_print(&conf, out);
	fclose(out);
	assert_int_equal(read_text(text), 0);
	assert_memory_equal(before, &conf, sizeof(conf));
	free(before);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_routes_and_areas_are_read),
		cmocka_unit_test(wrong_ports_are_named),
		cmocka_unit_test(mac_address_is_made_of_hexadecimal_digits),
		cmocka_unit_test(wrong_routes_are_named),
		cmocka_unit_test(wrong_areas_are_named),
		cmocka_unit_test(printed_lists_read_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
