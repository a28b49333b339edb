// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_text.h"
#include "test.h"

static void defaults_alone_are_valid(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), 0);
	assert_int_equal(read_text("# nothing\n"), 0);
	assert_int_equal(read_text("---\n"), 0);
	assert_int_equal(conf.port[0].udp_port, 2269);
	assert_int_equal(conf.muk_margin_s, 30);
	assert_int_equal(conf.campaign.sends, 8);
	assert_int_equal(conf.campaign.waits_s.n, 4);
	assert_int_equal(conf.campaign.waits_s.value[3], 8);
	assert_int_equal(conf.workers.poll, CONF_POLL_SLEEP);
}

static void values_are_read_with_their_units(void **state)
{
	(void)state;
	assert_int_equal(read_text("store: {map_size: 2G, dir: /a}\nmuk_margin: 10m\n"
				   "workers:\n  count: 2\n  cpus: [3, 1]\n  poll: busy\n"
				   "campaign: {waits: [1, 2s, 1m]}\n"
				   "port: {address: 10.0.0.1/8, gateway: 10.9.9.9,\n"
				   "  mac: '02:00:00:00:0a:FF'}\n"
				   "eal: {args: [--log-level=8]}\n"
				   "verification_timestamp_bytes: 8\n"),
		0);
	assert_int_equal(conf.store.map_bytes, 2ull << 30);
	assert_string_equal(conf.store.dir, "/a");
	assert_int_equal(conf.muk_margin_s, 600);
	assert_int_equal(conf.workers.cpus.value[0], 3);
	assert_int_equal(conf.workers.poll, CONF_POLL_BUSY);
	assert_int_equal(conf.campaign.waits_s.n, 3);
	assert_int_equal(conf.campaign.waits_s.value[2], 60);
	assert_int_equal(conf.port[0].mac.byte[5], 0xff);
	assert_int_equal(conf.port[0].address.value[0].bits, 96 + 8);
	assert_string_equal(conf.eal.args.value[0], "--log-level=8");
	assert_int_equal(conf.verification_timestamp, 1);
}

static void unknown_key_is_named_with_line_and_what_is_allowed(void **state)
{
	(void)state;
	expect_refused("fqdn: a\nstore:\n  dri: /x\n",
		"f.yaml:3: store.dri: unknown key; allowed: dir, map_size, map_max, "
		"max_subscribers, wrapping_key");
	expect_refused("nix: 1\n",
		"f.yaml:1: nix: unknown key; allowed: store, socket, admin, console, metrics, "
		"fqdn, "
		"port, ports, routes, areas, workers, memory, "
		"eal, "
		"campaign, governor, ua, key_source, history, muk_margin, "
		"verification_timestamp_bytes, "
		"log, confine, user");
	expect_refused("store.dir: /x\n",
		"f.yaml:1: store.dir: unknown key; allowed: store, socket, admin, console, "
		"metrics, "
		"fqdn, port, ports, routes, areas, workers, "
		"memory, eal, campaign, governor, ua, key_source, history, muk_margin, "
		"verification_timestamp_bytes, log, confine, user");
}

static void wrong_type_is_named(void **state)
{
	(void)state;
	expect_refused("workers: {count: [1]}\n",
		"f.yaml:1: workers.count: wrong type; allowed: a number");
	expect_refused("workers: {count: '2'}\n",
		"f.yaml:1: workers.count: wrong type; allowed: a number");
	expect_refused("workers:\n  count: two\n",
		"f.yaml:2: workers.count: not a number: \"two\"; allowed: decimal digits");
	expect_refused("campaign: {waits: 3}\n",
		"f.yaml:1: campaign.waits: wrong type; allowed: a list of durations");
	expect_refused("store: /x\n", "f.yaml:1: store: wrong type; allowed: a mapping of keys");
	expect_refused("- a\n", "f.yaml:1: wrong type; allowed: a mapping of keys");
	expect_refused(
		"store: {dir: {a: b}}\n", "f.yaml:1: store.dir: wrong type; allowed: a text");
	expect_refused("socket: *a\n", "f.yaml:1: socket: wrong type; allowed: a text");
}

static void value_out_of_range_is_named(void **state)
{
	(void)state;
	expect_refused("workers: {count: 33}\n",
		"f.yaml:1: workers.count: out of range: \"33\"; allowed: 1 to 32");
	expect_refused("workers: {count: 0}\n",
		"f.yaml:1: workers.count: out of range: \"0\"; allowed: 1 to 32");
	expect_refused("muk_margin: 25h\n",
		"f.yaml:1: muk_margin: out of range: \"25h\"; allowed: 0 to 86400 seconds");
	expect_refused("store: {map_size: 99999999999999999999}\n",
		"f.yaml:1: store.map_size: not a size: \"99999999999999999999\"; allowed: octets, "
		"or "
		"with K, M, G, T: 512M");
	expect_refused("store: {map_size: 1X}\n",
		"f.yaml:1: store.map_size: not a size: \"1X\"; allowed: octets, or with K, M, G, "
		"T: "
		"512M");
	expect_refused("workers: {poll: nap}\n",
		"f.yaml:1: workers.poll: unknown value \"nap\"; allowed: sleep busy");
	expect_refused("port: {mac: '01:00:00:00:00:00'}\n",
		"f.yaml:1: port.mac: not a MAC address: \"01:00:00:00:00:00\"; allowed: unicast, "
		"as "
		"02:00:00:00:00:01");
	expect_refused("port: {gateway: 300.1.1.1}\n",
		"f.yaml:1: port.gateway: not an address: \"300.1.1.1\"; allowed: an address, as "
		"192.0.2.1 or 2001:db8::1");
	expect_refused("fqdn: ''\n",
		"f.yaml:1: fqdn: wrong length: \"\"; allowed: 1 to 253 printable ASCII characters");
	expect_refused("fqdn: \"a\\N\"\n",
		"f.yaml:1: fqdn: a character that is not allowed: \"...\"; allowed: 1 to 253 "
		"printable "
		"ASCII characters");
	expect_refused("campaign: {waits: []}\n", "f.yaml: campaign.waits: at least one is needed");
}

static void duplicate_key_is_named(void **state)
{
	(void)state;
	expect_refused("fqdn: a\nfqdn: b\n", "f.yaml:2: fqdn: duplicate key; allowed: once");
	expect_refused("store: {dir: /a}\nstore: {dir: /b}\n",
		"f.yaml:2: store.dir: duplicate key; allowed: once");
}

static void broken_yaml_is_refused_with_its_line(void **state)
{
	(void)state;
	assert_int_equal(read_text("fqdn: a\nsocket: 'b\n"), -EINVAL);
	assert_memory_equal(why, "f.yaml:3: not YAML: ", 20);
	expect_refused("a: b\n---\nc: d\n",
		"f.yaml:1: a: unknown key; allowed: store, socket, admin, console, metrics, fqdn, "
		"port, ports, routes, areas, workers, memory, "
		"eal, "
		"campaign, governor, ua, key_source, history, muk_margin, "
		"verification_timestamp_bytes, "
		"log, confine, user");
	expect_refused("fqdn: b\n---\nfqdn: d\n", "f.yaml:2: a second document; allowed: one");
	assert_int_equal(conf_parse(&conf, "f", "fqdn: a\0b\n", 10, why), -EINVAL);
}

static void values_have_to_fit_each_other(void **state)
{
	(void)state;
	expect_refused("workers: {count: 2, cpus: [1]}\n",
		"f.yaml: workers.cpus: 1 CPUs for 2 workers; allowed: none, or one for each");
	expect_refused("port: {gateway: 198.51.100.1}\n",
		"f.yaml: port.gateway: not within the prefix of port.address (/24)");
	expect_refused("port: {mbufs: 1024}\n",
		"f.yaml: port.mbufs: 1024 are not more than both rings hold (2048); allowed: more "
		"than "
		"port.tx_descriptors + port.rx_descriptors");
}

static void console_beyond_this_machine_needs_tls(void **state)
{
	static const char *const here[] = {"127.0.0.1:9471", "127.8.9.1:0", "'[::1]:9471'"};
	static const char *const beyond[] = {
		"0.0.0.0:9471", "'[::]:9471'", "192.0.2.1:9471", "'[::ffff:127.0.0.1]:9471'"};
	char yaml[256];

	(void)state;
	expect_refused("console: {listen: 127.0.0.1:9471}\n",
		"f.yaml: admin.tokens: is needed for console.listen");
	expect_refused("console: {listen: localhost}\nadmin: {tokens: t}\n",
		"f.yaml: console.listen: \"localhost\" is no address with a port; allowed: "
		"127.0.0.1:9469, [::1]:9469");
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		snprintf(
			yaml, sizeof(yaml), "console: {listen: %s}\nadmin: {tokens: t}\n", here[i]);
		assert_int_equal(read_text(yaml), 0);
		assert_false(conf_console_is_tls(&conf));
	}
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		snprintf(yaml, sizeof(yaml), "console: {listen: %s}\nadmin: {tokens: t}\n",
			beyond[i]);
		expect_refused(yaml,
			"f.yaml: admin.certificate: is needed for console.listen, which is not "
			"loopback");
		snprintf(yaml, sizeof(yaml),
			"console: {listen: %s}\n"
			"admin: {tokens: t, certificate: c, private_key: k}\n",
			beyond[i]);
		assert_int_equal(read_text(yaml), 0);
		assert_true(conf_console_is_tls(&conf));
	}
}

static void printed_configuration_reads_back_the_same(void **state)
{
	struct conf before;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(read_text("fqdn: 'it''s: #odd'\nstore: {map_size: 1536M}\n"
				   "workers: {count: 2, cpus: [0, 1]}\neal: {args: ['a,b', c]}\n"
				   "port: {mac: '02:00:00:00:00:07'}\n"),
		0);
	before = conf;
	conf_print(&conf, out);
	fclose(out);
	assert_int_equal(read_text(text), 0);
	assert_memory_equal(&before, &conf, sizeof(conf));
	for (size_t i = 0; i < conf_rows_count; i++) {
		const char *dot = strchr(conf_rows[i].key, '.');

		assert_non_null(strstr(text, dot == NULL ? conf_rows[i].key : dot + 1));
	}
	free(text);
}

static void socket_is_taken_from_environment_file_and_default_in_this_order(void **state)
{
	(void)state;
	assert_int_equal(read_text("socket: /file\n"), 0);
	setenv("MSKPUSH_SOCKET", "/env", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	assert_int_equal(conf_socket_resolve(&conf, false, why), 0);
	assert_string_equal(conf.socket, "/env");
	unsetenv("MSKPUSH_SOCKET");
	assert_int_equal(read_text("socket: /file\n"), 0);
	assert_int_equal(conf_socket_resolve(&conf, false, why), 0);
	assert_string_equal(conf.socket, "/file");
	assert_int_equal(read_text(""), 0);
	assert_int_equal(conf_socket_resolve(&conf, false, why), 0);
	assert_string_equal(conf.socket, "/run/user/1/mskpush/admin.sock");
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(read_text(""), 0);
	assert_int_equal(conf_socket_resolve(&conf, false, why), 0);
	assert_string_equal(conf.socket, "/run/mskpush/admin.sock");
	// A flag wins, unless it is empty.
	setenv("MSKPUSH_SOCKET", "/env", 1);
	assert_int_equal(read_text("socket: /flag\n"), 0);
	assert_int_equal(conf_socket_resolve(&conf, true, why), 0);
	assert_string_equal(conf.socket, "/flag");
	assert_int_equal(read_text("socket: ''\n"), 0);
	assert_int_equal(conf_socket_resolve(&conf, true, why), 0);
	assert_string_equal(conf.socket, "/env");
	unsetenv("MSKPUSH_SOCKET");
}

static unsigned reported;

static void report(void *arg, const char *key, const char *value)
{
	(void)arg;
	(void)value;
	assert_string_not_equal(key, "fqdn");
	reported++;
}

static void site_specific_defaults_are_reported(void **state)
{
	(void)state;
	assert_int_equal(read_text("fqdn: bmsc.site\nport: {device: net_null1}\n"), 0);
	conf_defaults_report(&conf, report, NULL);
	assert_int_equal(reported, 3);
}

static void explained(const char *yaml, char text[4096])
{
	FILE *out = fmemopen(text, 4096, "w");

	assert_int_equal(read_text(yaml), 0);
	conf_explain(&conf, out);
	fclose(out);
}

static void explanation_says_what_the_values_come_to(void **state)
{
	char text[4096];

	(void)state;
	explained("campaign: {sends: 3, waits: [1s, 5s]}\nworkers: {count: 2, cpus: [4, 6]}\n"
		  "port: {device: '0000:3b:00.0'}\nstore: {map_size: 256M}\n",
		text);
	assert_non_null(strstr(text, "0000:3b:00.0, a PCI port"));
	assert_non_null(strstr(text, "CPU 4, 6; idle ones sleep"));
	assert_non_null(strstr(text, "given up 11 s after"));
	assert_non_null(strstr(text, "room for some 1048576 subscribers"));
	assert_non_null(strstr(text, "2442M as store.map_size"));
	assert_non_null(strstr(text, "fqdn: still the default"));
	assert_null(strstr(text, "port.device: still"));
	explained("fqdn: a.b\nport: {device: 'net_af_packet0,iface=x'}\ncampaign: {rate: 5}\n"
		  "store: {max_subscribers: 1000}\n",
		text);
	assert_non_null(strstr(text, "through a packet socket"));
	assert_null(strstr(text, "would hold those"));
	assert_null(strstr(text, "set campaign.rate"));
}

static void missing_file_is_an_error_with_its_name(void **state)
{
	(void)state;
	conf_init(&conf);
	assert_int_equal(conf_load(&conf, "/nonexistent/f.yaml", why), -ENOENT);
	assert_string_equal(
		why, "/nonexistent/f.yaml: cannot be opened: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_alone_are_valid),
		cmocka_unit_test(values_are_read_with_their_units),
		cmocka_unit_test(unknown_key_is_named_with_line_and_what_is_allowed),
		cmocka_unit_test(wrong_type_is_named),
		cmocka_unit_test(value_out_of_range_is_named),
		cmocka_unit_test(duplicate_key_is_named),
		cmocka_unit_test(broken_yaml_is_refused_with_its_line),
		cmocka_unit_test(values_have_to_fit_each_other),
		cmocka_unit_test(console_beyond_this_machine_needs_tls),
		cmocka_unit_test(printed_configuration_reads_back_the_same),
		cmocka_unit_test(socket_is_taken_from_environment_file_and_default_in_this_order),
		cmocka_unit_test(site_specific_defaults_are_reported),
		cmocka_unit_test(explanation_says_what_the_values_come_to),
		cmocka_unit_test(missing_file_is_an_error_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
