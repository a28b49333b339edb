// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mikey-dump: shows MIKEY messages given in hex or found in capture files.

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/dump.h"

enum {
	EXIT_MALFORMED = 1, // or, with a key, a MAC that does not hold
	EXIT_USAGE = 2,
};

enum {
	OPT_PCAP = 0x100,
	OPT_PORT,
	OPT_JSON,
	OPT_KEY,
	OPT_RAND,
	OPT_IDI,
};

struct dump {
	const char *pcap;
	uint16_t port;
	bool is_json;
	struct unseal_keys keys;
	char **hex;
	int hex_count;
	unsigned shown;
	bool has_bad; // malformed, or a MAC that does not hold
};

const char *argp_program_version = "mikey-dump " MSKPUSH_VERSION;

static const struct argp_option options[] = {
	{"pcap", OPT_PCAP, "FILE", 0, "read the datagrams of a capture (pcap, pcapng)", 0},
	{"port", OPT_PORT, "PORT", 0, "UDP port to look for in a capture (2269)", 0},
	{"json", OPT_JSON, NULL, 0, "print one JSON object per message", 0},
	{"key", OPT_KEY, "HEX", 0, "MUK or MSK: check MACs and decrypt", 1},
	{"rand", OPT_RAND, "HEX", 0,
		"RAND of the MSK message, for messages that carry none (verifications and MTK "
		"messages)",
		1},
	{"idi", OPT_IDI, "ID", 0, "IDi of the MSK message, for verifications: text, or 0x and hex",
		1},
	{0},
};

static const char doc[] =
	"Shows MIKEY messages, one payload a line.\v"
	"HEX is a whole message; - reads one message a line from standard input.\n"
	"\n"
	"Examples:\n"
	"  mikey-dump 010115... 0101050012345678...\n"
	"  mikey-dump --pcap wire.pcap --json\n"
	"  mikey-dump --pcap wire.pcap --key 0102030405060708090a0b0c0d0e0f10\n"
	"\n"
	"Exit status: 0 all messages are well formed; 1 some are not, or a MAC does not hold under "
	"the key; 2 bad usage or input.";

static uint8_t *option_hex(struct argp_state *state, const char *arg, size_t max, size_t *len)
{
	uint8_t *data = hex_read(arg, len);

	if (data == NULL || *len > max)
		argp_error(state, "not hex of at most %zu octets", max);
	return data;
}

static uint16_t option_port(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long port = strtoul(arg, &end, 10);

	if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || port == 0 || port > UINT16_MAX)
		argp_error(state, "%s is not a port, 1 to 65535", arg);
	return (uint16_t)port;
}

static void option_idi(struct argp_state *state, const char *arg, struct unseal_keys *keys)
{
	if (strncmp(arg, "0x", 2) == 0) {
		keys->idi = option_hex(state, arg + 2, UINT16_MAX, &keys->idi_len);
		return;
	}
	keys->idi_len = strlen(arg);
	if (keys->idi_len > UINT16_MAX)
		argp_error(state, "an IDi has at most 65535 octets");
	keys->idi = (uint8_t *)strdup(arg);
}

// One source of messages, and no key of no octets.
static void options_check(struct argp_state *state, const struct dump *dump)
{
	if ((dump->pcap != NULL) == (dump->hex_count > 0))
		argp_error(state, "give either messages in hex or --pcap FILE");
	if (dump->keys.psk != NULL && dump->keys.psk_len == 0)
		argp_error(state, "the key has no octets");
	if (dump->keys.psk == NULL && (dump->keys.rand != NULL || dump->keys.idi != NULL))
		argp_error(state, "--rand and --idi are of use with --key only");
}

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	struct dump *dump = state->input;

	switch (key) {
	case OPT_PCAP:
		dump->pcap = arg;
		return 0;
	case OPT_PORT:
		dump->port = option_port(state, arg);
		return 0;
	case OPT_JSON:
		dump->is_json = true;
		return 0;
	case OPT_KEY:
		dump->keys.psk = option_hex(state, arg, 1024, &dump->keys.psk_len);
		// The key is not shown to whoever lists processes.
		memset(arg, 'x', strlen(arg));
		return 0;
	case OPT_RAND:
		dump->keys.rand = option_hex(state, arg, UINT8_MAX, &dump->keys.rand_len);
		return 0;
	case OPT_IDI:
		option_idi(state, arg, &dump->keys);
		return 0;
	case ARGP_KEY_ARGS:
		dump->hex = state->argv + state->next;
		dump->hex_count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		options_check(state, dump);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void line_put(void *arg, const char *line)
{
	(void)arg;
	puts(line);
}

static void key_data_put(const struct unsealed *u)
{
	struct mikey_key_data kd;
	enum mikey_status status = mikey_key_data_parse(u->plain, u->plain_len, &kd);
	char *hex = hex_write(u->plain, u->plain_len);
	char *key = status == MIKEY_OK ? hex_write(kd.key.data, kd.key.len) : NULL;

	printf("       plain %s\n", hex);
	if (key != NULL)
		printf("       key   %s\n", key);
	else
		printf("       key   %s: %s\n", mikey_status_name(status),
			mikey_status_text(status));
	explicit_bzero(hex, strlen(hex));
	if (key != NULL)
		explicit_bzero(key, strlen(key));
	free(key);
	free(hex);
}

static void text_put(const struct message *message, const struct unsealed *u)
{
	printf("message %u, %zu octets", message->number, message->len);
	if (message->when != NULL)
		printf(", %s, %s", message->when, message->path);
	putchar('\n');
	mikey_dump(message->data, message->len, line_put, NULL);
	if (u->verdict != UNSEAL_NOT_TRIED)
		printf("       MAC   %s\n", unseal_verdict_text(u->verdict));
	if (u->plain != NULL)
		key_data_put(u);
}

static void message_show(void *arg, const struct message *message)
{
	struct dump *dump = arg;
	struct unsealed u = {.verdict = UNSEAL_NOT_TRIED};
	struct mikey_view view;
	enum mikey_status status = mikey_parse(message->data, message->len, &view);

	if (status == MIKEY_OK)
		unseal(&view, message->data, &dump->keys, &u);
	if (dump->is_json)
		json_print(message, status, &view, &u);
	else
		text_put(message, &u);
	dump->shown++;
	dump->has_bad |= status != MIKEY_OK || u.verdict == UNSEAL_BAD_MAC;
	unsealed_wipe(&u);
}

static bool capture_show(struct dump *dump)
{
	char why[512];

	if (capture_read(dump->pcap, dump->port, message_show, dump, why)) {
		if (dump->shown == 0)
			fprintf(stderr, "mikey-dump: %s: no datagram to or from port %u\n",
				dump->pcap, dump->port);
		return true;
	}
	fprintf(stderr, "mikey-dump: %s\n", why);
	return false;
}

static bool lines_show(struct dump *dump)
{
	unsigned bad = hex_read_lines(message_show, dump);

	if (bad != 0)
		fprintf(stderr, "mikey-dump: line %u of standard input is not hex\n", bad);
	return bad == 0;
}

static bool arguments_show(struct dump *dump)
{
	struct message message = {0};

	for (int i = 0; i < dump->hex_count; i++) {
		uint8_t *data = hex_read(dump->hex[i], &message.len);

		if (data == NULL) {
			fprintf(stderr,
				"mikey-dump: argument %d is not hex; a capture is read with "
				"--pcap\n",
				i + 1);
			return false;
		}
		message.number++;
		message.data = data;
		message_show(dump, &message);
		free(data);
	}
	return true;
}

static bool all_show(struct dump *dump)
{
	if (dump->pcap != NULL)
		return capture_show(dump);
	if (dump->hex_count == 1 && strcmp(dump->hex[0], "-") == 0)
		return lines_show(dump);
	return arguments_show(dump);
}

static void keys_wipe(struct unseal_keys *keys)
{
	if (keys->psk != NULL)
		explicit_bzero(keys->psk, keys->psk_len);
	free(keys->psk);
	free(keys->rand);
	free(keys->idi);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, option_take, "HEX...\n-\n--pcap FILE", doc, 0, 0, 0};
	struct dump dump = {.port = MIKEY_PORT};
	bool is_shown;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &dump);
	is_shown = all_show(&dump);
	keys_wipe(&dump.keys);
	if (fflush(stdout) != 0 || !is_shown)
		return EXIT_USAGE;
	return dump.has_bad ? EXIT_MALFORMED : 0;
}
