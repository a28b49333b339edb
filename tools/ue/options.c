// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "options.h"

#include <argp.h>
#include <string.h>

#include "option_value.h"
#include "ua_order.h"

#define FIRST_KEY 1000 // of options without a letter

#define AT(field) offsetof(struct ue_options, field)

static const struct option_row rows[] = {
	{"bsf", "DOMAIN", "Domain of the B-TIDs made up", AT(generate.bsf), TEXT, 0, 0, 0},
	{"control", "PATH", "Control socket: one JSON object a line", AT(control), TEXT, 0, 0, 0},
	{"cpu", "N", "Pin the port loop to a CPU", AT(cpu), NUMBER, 0, 4095, 0},
	{"csv-out", "FILE", "At the end write the phones as CSV", AT(csv_out), TEXT, 0, 0, 0},
	{"delay", "MS[:JITTER]", "Hold every frame back, each way", AT(site.impairment), DELAY, 0,
		60000, 0},
	{"duplicate", "PERCENT", "Double frames, each way", AT(site.impairment.duplicate), PERCENT,
		0, 100, 0},
	{"expired", "PERCENT",
		"MUKs made up that have expired; with --phones, those that their phones take for "
		"expired",
		AT(generate.expired), PERCENT, 0, 100, 0},
	{"file-prefix", "NAME", "DPDK's --file-prefix", AT(file_prefix), TEXT, 0, 0, 0},
	{"first-address", "IP", "Address of the first phone made up (10.0.0.0)",
		AT(generate.first_address), ADDRESS, 0, 0, 0},
	{"first-address6", "IPV6", "Address of the second phone made up, and so on alternating",
		AT(generate.first_address6), ADDRESS6, 0, 0, 0},
	{"fqdn", "NAME", "Name of the BM-SC, expected in IDi (bmsc.home1.net)", AT(site.fqdn), TEXT,
		0, 0, 0},
	{"gba-u", "PERCENT", "Runs of phones with keys in the ME that are GBA_U", AT(gba_u),
		PERCENT, 0, 100, 0},
	{"gateway", "IPV4", "Own address, the phones' gateway (192.168.26.1)", AT(site.gateway),
		ADDRESS, 0, 0, 0},
	{"gateway6", "IPV6", "The same of IPv6 (none)", AT(site.gateway6), ADDRESS6, 0, 0, 0},
	{"generate", "N", "Make up N phones, write their CSV and end", AT(generate.count), NUMBER,
		1, 100000000, 0},
	{"ims", "DOMAIN", "Domain of the IMPIs made up", AT(generate.ims), TEXT, 0, 0, 0},
	{"imsi-prefix", "DIGITS", "First digits of the IMPIs made up (0010101)",
		AT(generate.imsi_prefix), TEXT, 0, 0, 0},
	{"key-source", "PATH", "Play the BSF: answer there what a B-TID stands for", AT(key_source),
		TEXT, 0, 0, 0},
	{"lazy", "PERCENT", "Phones that ask under an expired MUK until they are told to bootstrap",
		AT(habits.lazy), PERCENT, 0, 100, 0},
	{"lifetime", "SECONDS", "Lifetime of MUKs made up or bootstrapped (86400)", AT(lifetime),
		NUMBER, 1, 1000000000, 0},
	{"loss", "PERCENT", "Lose frames, each way", AT(site.impairment.loss), PERCENT, 0, 100, 0},
	{"mac", "MAC", "Own MAC address (02:00:00:00:26:01)", AT(site.mac), MAC, 0, 0, 0},
	{"memory", "MB", "Memory DPDK may take (64)", AT(memory_mb), NUMBER, 16, 65536, 'm'},
	{"mtk", "LIST", "Multicast addresses that phones listen on: ADDRESS[%INTERFACE]:PORT,...",
		AT(mtk), TEXT, 0, 0, 0},
	{"mtk-rand", "msk|none", "RAND of the keys that protect MTKs (msk)", AT(mtk_rand), TEXT, 0,
		0, 0},
	{"new-address", "PERCENT", "Of those offline: phones that come back with another address",
		AT(habits.moving), PERCENT, 0, 100, 0},
	{"no-muk", "PERCENT", "Phones made up that have no MUK", AT(generate.no_muk), PERCENT, 0,
		100, 0},
	{"offline", "PERCENT:SECONDS", "Phones that are offline at first, and for how long",
		AT(habits.offline), SHARE, 0, 100, 0},
	{"out", "FILE", "Write the CSV of --generate there, not to stdout", AT(out), TEXT, 0, 0,
		'o'},
	{"pcap", "FILE", "Write what is on the wire, both ways", AT(pcap), TEXT, 0, 0, 0},
	{"pcap-frames", "N", "Most frames to write (all)", AT(pcap_frames), NUMBER, 0, UINT64_MAX,
		0},
	{"phones", "FILE", "CSV of the phones", AT(phones), TEXT, 0, 0, 0},
	{"port", "DEVICE",
		"DPDK's virtual device (net_virtio_user0,path=/ABS/v.sock,...), or kernel: "
		"ordinary UDP sockets",
		AT(port), TEXT, 0, 0, 0},
	{"power-down", "keep|delete",
		"With --state: whether phones keep MRK, MSK and MTK when they are switched off "
		"(keep)",
		AT(power_down), TEXT, 0, 0, 0},
	{"record", "FILE",
		"Note there what phones see of the BM-SC, for a test that kills it; goes on with "
		"the file of the last start",
		AT(record), TEXT, 0, 0, 0},
	{"reorder", "PERCENT", "Let later frames overtake, each way", AT(site.impairment.reorder),
		PERCENT, 0, 100, 0},
	{"report", "FILE", "At the end write a report as JSON, with the MSKs", AT(report), TEXT, 0,
		0, 0},
	{"seed", "N", "Decides what is lost and made up (1)", AT(site.seed), NUMBER, 0, UINT64_MAX,
		0},
	{"service", "NAME", "User service of the phones made up", AT(generate.service), TEXT, 0, 0,
		0},
	{"state", "DIR", "What phones keep when they are switched off: last MUK and counter",
		AT(state), TEXT, 0, 0, 0},
	{"strict", "PERCENT", "Phones that refuse an expired MUK even of a solicited pull",
		AT(habits.strict), PERCENT, 0, 100, 0},
	{"ts-bytes", "4|8", "Timestamp octets in the MAC of verifications (4)", AT(ts_bytes),
		NUMBER, 4, 8, 0},
	{"ua", "URL", "HTTP of the BM-SC, for registrations and MSK requests", AT(ua), TEXT, 0, 0,
		0},
	{"ua-attempts", "N", "Failures in a row that make a phone leave (8)", AT(ua_attempts),
		NUMBER, 1, 200, 0},
	{"ua-back-off", "SECONDS", "Wait after the first failure, then twice that (1)",
		AT(ua_back_off), REAL, 0, 3600, 0},
	{"ua-connections", "N", "Connections at a time (64)", AT(ua_connections), NUMBER, 1,
		1000000, 0},
	{"ua-do", "LIST", "What phones begin with: register,fetch,deregister", AT(ua_do), TEXT, 0,
		0, 0},
	{"ua-groups", "LIST", "Key groups to fetch: MCC-MNC/GROUP[:v600],...", AT(ua_groups), TEXT,
		0, 0, 0},
	{"ua-missed-back-off", "SECONDS", "Missed updates: longest random wait (10)",
		AT(ua_missed_back_off), REAL, 0, 1000000, 0},
	{"ua-missed-wait", "SECONDS", "Missed updates: wait before it (0)", AT(ua_missed_wait),
		REAL, 0, 1000000, 0},
	{"ua-msk-wait", "SECONDS", "Wait for an MSK that was promised (60)", AT(ua_msk_wait), REAL,
		0, 1000000, 0},
	{"ua-phones", "N", "How many phones begin with --ua-do (all)", AT(ua_phones), NUMBER, 0,
		UINT32_MAX, 0},
	{"ua-rate", "N", "How many of them a second (no limit)", AT(ua_rate), REAL, 0, 1000000000,
		0},
	{"ua-source", "IPV4[/LEN]|phone",
		"Addresses that connections come from in turn, or each phone's own", AT(ua_source),
		TEXT, 0, 0, 0},
	{"ua-spread", "SECONDS", "Each at a random moment within it (0)", AT(ua_spread), REAL, 0,
		1000000, 0},
	{"ua-timeout", "SECONDS", "Wait for an answer (10)", AT(ua_timeout), REAL, 0, 3600, 0},
	{"uicc", "PERCENT", "Phones made up with keys in the UICC", AT(generate.uicc), PERCENT, 0,
		100, 0},
	{"unregistered", "N", "The first phones made up are registered for nothing",
		AT(generate.unregistered), NUMBER, 0, UINT64_MAX, 0},
	{"vlan", "VID[:VID]", "VLAN of all frames, the outer one first", AT(site), TAGS, 1, 4094,
		0},
	{"wait", "SECONDS", "How long to wait for the other end to start (30)", AT(wait_s), NUMBER,
		0, 1000000, 0},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void options_check(struct ue_options *options, struct argp_state *state)
{
	struct ue_mtk_group groups[UE_MTK_GROUPS_MAX];

	if (options->generate.count > 0)
		return;
	if (options->phones == NULL || options->port == NULL)
		argp_error(state, "--phones and --port are needed (or --generate)");
	if (strncmp(options->port, "net_", 4) != 0 && strcmp(options->port, UE_PORT_KERNEL) != 0)
		argp_error(state,
			"--port: kernel, or a virtual device as net_virtio_user0,... is needed");
	if (options->ts_bytes != 4 && options->ts_bytes != 8)
		argp_error(state, "--ts-bytes: 4 or 8");
	if (options->mtk != NULL && ue_mtk_groups_parse(groups, options->mtk) == 0)
		argp_error(state,
			"--mtk: multicast addresses are needed, as 232.1.1.1:5004 or "
			"[ff3e::1]:5004, with commas between them");
	if (strcmp(options->mtk_rand, "msk") != 0 && strcmp(options->mtk_rand, "none") != 0)
		argp_error(state, "--mtk-rand: msk or none");
	if (strcmp(options->power_down, "keep") != 0 && strcmp(options->power_down, "delete") != 0)
		argp_error(state, "--power-down: keep or delete");
	if (strlen(options->site.fqdn) > UE_IDENTITY_MAX_BYTES)
		argp_error(state, "--fqdn: at most %d octets", UE_IDENTITY_MAX_BYTES);
	if (options->control != NULL && strlen(options->control) > 107)
		argp_error(state, "--control: a socket path has at most 107 octets");
}

static void ua_check(const struct ue_options *options, struct argp_state *state)
{
	struct ue_subject keys[UE_SUBJECTS_MAX];
	struct ue_url url;
	uint32_t first, count;
	unsigned procedures;

	if (options->ua != NULL && !ue_url_parse(&url, options->ua))
		argp_error(state, "--ua: a URL is needed, as http://127.0.0.1:8080");
	if (options->ua_groups != NULL && ue_key_groups_parse(keys, options->ua_groups) == 0)
		argp_error(state,
			"--ua-groups: key groups are needed, as 001-01/0001 or "
			"001-01/0001:v600, with commas between them");
	if (options->ua_do != NULL && !ue_procedures_parse(&procedures, options->ua_do))
		argp_error(state, "--ua-do: register, fetch and deregister, with commas");
	if (options->ua_source != NULL && strcmp(options->ua_source, UE_SOURCE_PHONE) != 0 &&
		!ue_source_parse(&first, &count, options->ua_source))
		argp_error(
			state, "--ua-source: an IPv4 address, a prefix of at least /8, or phone");
	if (options->key_source != NULL && strlen(options->key_source) > 107)
		argp_error(state, "--key-source: a socket path has at most 107 octets");
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct ue_options *options = state->input;

	for (size_t i = 0; i < ROWS; i++) {
		if (key != (rows[i].letter != 0 ? rows[i].letter : FIRST_KEY + (int)i))
			continue;
		if (!option_value_read(&rows[i], arg, options))
			argp_error(state, "--%s: '%s' is no %s%s", rows[i].name, arg, rows[i].arg,
				rows[i].kind == TEXT ? "" : " that can be used");
		return 0;
	}
	if (key == ARGP_KEY_ARG)
		argp_error(state, "'%s': there are options only", arg);
	if (key == ARGP_KEY_END) {
		options_check(options, state);
		ua_check(options, state);
	}
	return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

static const char doc[] =
	"All phones of a CSV behind one gateway on a DPDK port: they check, decrypt and answer MSK "
	"messages as 3GPP TS 33.246 asks of a UE."
	"\v"
	"Examples:\n"
	"  mskpush-ue --generate 1000000 --seed 7 --service news -o ues.csv\n"
	"  mskpush-ue --phones ues.csv --control ue.sock --report ue.json --loss 1 \\\n"
	"    --port net_virtio_user0,path=/run/v.sock,queues=1\n"
	"  echo '{\"do\":\"status\"}' | nc -U -N ue.sock\n\n"
	"Percentages may have a fraction. SIGTERM, SIGINT or {\"do\":\"stop\"} end it; the report "
	"and the CSV are written then. Exit status: 0 done, 1 failed, 2 bad usage or input.";

const char *argp_program_version = "mskpush-ue " MSKPUSH_VERSION;

void ue_options_parse(struct ue_options *options, int argc, char **argv)
{
	static struct argp_option table[ROWS + 1];
	static const struct argp argp = {table, option_parse, NULL, doc, NULL, NULL, NULL};

	*options = (struct ue_options){
		.file_prefix = "mskpush-ue",
		.mtk_rand = "msk",
		.power_down = "keep",
		.pcap_frames = UINT64_MAX,
		.memory_mb = 64,
		.wait_s = 30,
		.cpu = UE_CPU_ANY,
		.ts_bytes = 4,
		.lifetime = 86400,
		.ua_attempts = 8,
		.ua_connections = 64,
		.ua_phones = UINT32_MAX,
		.ua_back_off = 1,
		.ua_missed_back_off = 10,
		.ua_msk_wait = 60,
		.ua_timeout = 10,
		.site = {.fqdn = "bmsc.home1.net",
			.gateway = ue_address_v4((const uint8_t[]){192, 168, 26, 1}),
			.mac = {0x02, 0x00, 0x00, 0x00, 0x26, 0x01},
			.seed = 1},
		.generate = {.service = "",
			.bsf = "bsf.mnc001.mcc001.pub.3gppnetwork.org",
			.ims = "ims.mnc001.mcc001.3gppnetwork.org",
			.imsi_prefix = "0010101",
			.first_address = ue_address_v4((const uint8_t[]){10, 0, 0, 0})},
	};
	for (size_t i = 0; i < ROWS; i++) {
		table[i] = (struct argp_option){
			.name = rows[i].name,
			.key = rows[i].letter != 0 ? rows[i].letter : FIRST_KEY + (int)i,
			.arg = rows[i].arg,
			.doc = rows[i].text,
		};
	}
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	options->site.ts_bytes = (unsigned)options->ts_bytes;
	options->generate.seed = options->site.seed;
	options->generate.lifetime = (int64_t)options->lifetime;
	options->habits.hasty = options->generate.expired;
}
