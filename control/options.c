// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

enum {
	OPTION_CONFIG = 256,
	OPTION_SOCKET,
	OPTION_STORE,
	OPTION_LOG_LEVEL,
	OPTION_ACCEPT_CLOCK,
	OPTION_CHECK,
	OPTION_PRINT,
	OPTION_FOREGROUND,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option table[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"store", required_argument, NULL, OPTION_STORE},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"accept-clock", no_argument, NULL, OPTION_ACCEPT_CLOCK},
	{"check-config", required_argument, NULL, OPTION_CHECK},
	{"print-config", no_argument, NULL, OPTION_PRINT},
	{"foreground", no_argument, NULL, OPTION_FOREGROUND},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"Usage: mskpushd [OPTION]...\n"
	"The key-push daemon of a BM-SC.\n\n"
	"  --config FILE        read this file instead of " OPTIONS_CONFIG "\n"
	"  --socket PATH        admin socket\n"
	"  --store DIR          directory of the store\n"
	"  --log-level LEVEL    error, warning, info or debug\n"
	"  --accept-clock       start although the clock was set back, or is far ahead\n"
	"  --check-config FILE  say whether FILE is right, and end\n"
	"  --print-config       show every key with its value, and end\n"
	"  --foreground         stay in the foreground (it always does)\n"
	"  --help, --version    print this, or the version, and end\n\n"
	"Example: mskpushd --config /etc/mskpush/mskpushd.yaml --log-level debug\n";

static int option_take(struct options *o, int option, const char *value)
{
	switch (option) {
	case OPTION_CHECK:
		o->only_check = true;
		o->config = value;
		break;
	case OPTION_CONFIG:
		o->config = value;
		break;
	case OPTION_SOCKET:
		o->socket = value;
		break;
	case OPTION_STORE:
		o->store = value;
		break;
	case OPTION_LOG_LEVEL:
		o->log_level = value;
		break;
	case OPTION_ACCEPT_CLOCK:
		o->is_clock_accepted = true;
		break;
	case OPTION_PRINT:
		o->only_print = true;
		break;
	case OPTION_FOREGROUND:
		break;
	case OPTION_HELP:
		fputs(help, stdout);
		return 1;
	case OPTION_VERSION:
		puts("mskpushd " MSKPUSH_VERSION);
		return 1;
	default:
		return -EINVAL;
	}
	return 0;
}

int options_read(int argc, char **argv, struct options *out)
{
	int option, ret = 0;

	*out = (struct options){0};
	while (ret == 0 && (option = getopt_long(argc, argv, "", table, NULL)) != -1)
		ret = option_take(out, option, optarg);
	if (ret == 0 && optind < argc) {
		fprintf(stderr, "mskpushd: unexpected argument %s\n", argv[optind]);
		ret = -EINVAL;
	}
	if (ret == -EINVAL)
		fputs("mskpushd: --help shows how it is called\n", stderr);
	return ret;
}
