// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_load.h"

#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "ue/csv.h"

static const char usage[] =
	"usage: ua-load --url URL [--mode msk-request|get-digest|post-plain] [--connections N]\n"
	"	[--seconds S] [--pipeline N] [--rotate N] [--body-group MCC-MNC/GROUP[:v600]]\n"
	"	[--csv FILE --fqdn NAME] [--user NAME --password TEXT]\n";

__attribute__((noreturn)) static void quit(const char *why)
{
	fprintf(stderr, "ua-load: %s\n%s", why, usage);
	exit(2);
}

static enum load_mode mode_read(const char *text)
{
	static const char *const names[] = {"msk-request", "get-digest", "post-plain"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, names[i]) == 0)
			return (enum load_mode)i;
	}
	quit("no such mode");
}

static unsigned number_read(const char *text, unsigned long most)
{
	unsigned long number;

	if (!ue_text_number(ue_text_of(text), most, &number))
		quit("a number is no number, or too large");
	return (unsigned)number;
}

static void options_read(struct load_setup *setup, struct ue_subject *key, int argc, char **argv)
{
	static const struct option options[] = {{"url", 1, NULL, 'u'}, {"csv", 1, NULL, 'c'},
		{"connections", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'}, {"mode", 1, NULL, 'm'},
		{"fqdn", 1, NULL, 'f'}, {"body-group", 1, NULL, 'g'}, {"pipeline", 1, NULL, 'p'},
		{"rotate", 1, NULL, 'r'}, {"user", 1, NULL, 'U'}, {"password", 1, NULL, 'P'}, {0}};
	bool has_url = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			has_url = ue_url_parse(&setup->target.url, optarg);
			break;
		case 'c':
			setup->csv = optarg;
			break;
		case 'n':
			setup->connections = number_read(optarg, 1000000);
			break;
		case 's':
			setup->seconds = strtod(optarg, NULL);
			break;
		case 'm':
			setup->target.mode = mode_read(optarg);
			break;
		case 'f':
			setup->target.fqdn = optarg;
			break;
		case 'g':
			if (!ue_key_group_parse(key, optarg, strlen(optarg)))
				quit("--body-group: as 001-01/0001");
			break;
		case 'p':
			setup->pipeline = number_read(optarg, LOAD_PIPELINE_MAX);
			break;
		case 'r':
			setup->rotate = number_read(optarg, UINT32_MAX);
			break;
		case 'U':
			setup->user = optarg;
			break;
		case 'P':
			setup->password = optarg;
			break;
		default:
			quit("no such option");
		}
	}
	if (!has_url || optind < argc)
		quit("--url: as http://127.0.0.1:8080");
	if (setup->connections == 0 || setup->pipeline == 0 || setup->seconds <= 0)
		quit("connections, pipeline and seconds have to be above 0");
}

static void users_load(struct load_setup *setup)
{
	char why[UE_WHY_BYTES];

	if (ue_phones_init(&setup->phones) != 0 ||
		ue_csv_load_file(&setup->phones, setup->csv, why) != 0)
		quit(why);
	setup->users = calloc(setup->phones.phone_count, sizeof(*setup->users));
	for (uint32_t i = 0; setup->users != NULL && i < setup->phones.phone_count; i++) {
		const struct ue_credential *credential;

		if (setup->phones.phones[i].current == UE_NONE)
			continue;
		credential = &setup->phones.credentials[setup->phones.phones[i].current];
		if (credential->has_mrk)
			setup->users[setup->user_count++] = (struct load_user){
				credential->btid, credential->btid_len, credential->mrk, NULL};
	}
	if (setup->user_count == 0)
		quit("--csv: no phone with a MRK");
}

static void users_find(struct load_setup *setup)
{
	if (setup->target.mode == LOAD_MSK_REQUEST) {
		if (setup->csv == NULL || setup->target.fqdn == NULL)
			quit("--mode msk-request needs --csv and --fqdn");
		users_load(setup);
		return;
	}
	if (setup->target.mode == LOAD_GET_DIGEST &&
		(setup->user == NULL || setup->password == NULL))
		quit("--mode get-digest needs --user and --password");
	setup->users = calloc(1, sizeof(*setup->users));
	if (setup->users == NULL)
		quit("out of memory");
	setup->user_count = 1;
	if (setup->user != NULL)
		setup->users[0] =
			(struct load_user){setup->user, strlen(setup->user), NULL, setup->password};
	setup->target.fqdn = NULL;
}

static void server_find(struct load_setup *setup)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct rlimit limit;
	struct addrinfo *found;

	if (getaddrinfo(setup->target.url.host, setup->target.url.port, &hints, &found) != 0)
		quit("--url: no such host");
	memcpy(&setup->server, found->ai_addr, found->ai_addrlen);
	setup->server_len = found->ai_addrlen;
	freeaddrinfo(found);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void load_setup_read(struct load_setup *setup, int argc, char **argv)
{
	struct ue_subject key = {.kdi = {0x00, 0xf1, 0x10}, .group = 1};

	*setup = (struct load_setup){.connections = 64, .pipeline = 1, .seconds = 5};
	options_read(setup, &key, argc, argv);
	users_find(setup);
	server_find(setup);
	load_target_init(&setup->target, &key);
}
