// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpush-setup: which ports a machine has, what it lacks for pushing through one of them, and a
// first configuration. It reads, and writes nothing but the file it is told to.

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "setup/setup.h"

#define EXIT_MISSING 1
#define EXIT_USAGE 2

struct options {
	const char *root;
	const char *port;
	const char *write;
	struct setup_order order;
	bool is_json;
};

static const struct option table[] = {
	{"address", required_argument, NULL, 'a'},
	{"force", no_argument, NULL, 'f'},
	{"fqdn", required_argument, NULL, 'n'},
	{"gateway", required_argument, NULL, 'g'},
	{"help", no_argument, NULL, 'h'},
	{"interface", required_argument, NULL, 'i'},
	{"json", no_argument, NULL, 'j'},
	{"port", required_argument, NULL, 'p'},
	{"root", required_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'V'},
	{"workers", required_argument, NULL, 'w'},
	{"write", required_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"Usage: mskpush-setup [OPTION]...\n"
	"Lists the machine's ports, and what is missing for mskpushd to use them, with the\n"
	"command for each. Changes nothing.\n\n"
	"  --port ADDRESS     look at this port only (PCI address, as listed)\n"
	"  --json             print an object instead of text\n"
	"  --root DIR         look at the machine whose sysfs and procfs are below DIR\n"
	"  --write FILE       write a configuration; these say what stands in it:\n"
	"  --port ADDRESS       the port, or\n"
	"  --interface NAME     an interface of the kernel, through a packet socket\n"
	"  --address A/PREFIX   the daemon's IPv4 address\n"
	"  --gateway A          next hop of everything that is sent\n"
	"  --fqdn NAME          NAF FQDN of this BM-SC\n"
	"  --workers N          worker threads, 1 to 32 (1)\n"
	"  --force              replace FILE when it is there\n"
	"  --help, --version  print this, or the version, and end\n\n"
	"Example: mskpush-setup --write /etc/mskpush/mskpushd.yaml --force --port 0000:3b:00.0 \\\n"
	"  --address 10.20.0.2/24 --gateway 10.20.0.1 --fqdn bmsc.operator.example\n\n"
	"Exit status: 0 nothing is missing; 1 something is, or the file was not written; 2 bad "
	"usage.\n";

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "mskpush-setup: %s%s\n", what, value);
	return EXIT_USAGE;
}

static int workers_read(const char *text, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > 32)
		return complain("--workers has to be a number from 1 to 32, not ", text);
	*out = (unsigned)n;
	return 0;
}

// Returns 0, an exit status plus 1 when all is said.
static int option_take(struct options *o, int c)
{
	switch (c) {
	case 'a':
		o->order.address = optarg;
		return 0;
	case 'f':
		o->order.may_replace = true;
		return 0;
	case 'g':
		o->order.gateway = optarg;
		return 0;
	case 'h':
		fputs(help, stdout);
		return -1;
	case 'i':
		o->order.interface = optarg;
		return 0;
	case 'j':
		o->is_json = true;
		return 0;
	case 'n':
		o->order.fqdn = optarg;
		return 0;
	case 'o':
		o->write = optarg;
		return 0;
	case 'p':
		o->port = optarg;
		return 0;
	case 'r':
		o->root = optarg;
		return 0;
	case 'V':
		puts("mskpush-setup " MSKPUSH_VERSION);
		return -1;
	case 'w':
		return workers_read(optarg, &o->order.workers);
	default:
		return EXIT_USAGE;
	}
}

// 0, EXIT_USAGE, or -1 when all is done.
static int options_read(int argc, char **argv, struct options *o)
{
	int c, ret = 0;

	*o = (struct options){.root = "/", .order = {.workers = 1}};
	while (ret == 0 && (c = getopt_long(argc, argv, "", table, NULL)) != -1)
		ret = option_take(o, c);
	if (ret == 0 && optind < argc)
		ret = complain("unexpected argument ", argv[optind]);
	if (ret == 0 && o->write == NULL &&
		(o->order.address != NULL || o->order.gateway != NULL || o->order.fqdn != NULL ||
			o->order.interface != NULL))
		ret = complain("what is it to be written to? See --write", "");
	return ret;
}

// Texts go between single quotes of YAML, and are checked by mskpushd; these cannot be quoted.
static bool text_is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '\'')
			return false;
	return true;
}

static int order_check(const struct setup_order *order)
{
	const char *const texts[] = {order->address, order->gateway, order->fqdn};
	static const char *const names[] = {"--address", "--gateway", "--fqdn"};

	if ((order->port == NULL) == (order->interface == NULL))
		return complain("--write needs --port or --interface, and one of them", "");
	if (order->interface != NULL &&
		(!text_is_plain(order->interface) || strlen(order->interface) > 15 ||
			strpbrk(order->interface, "/,") != NULL))
		return complain("not the name of an interface: ", order->interface);
	for (int i = 0; i < 3; i++) {
		if (texts[i] == NULL)
			return complain("--write needs ", names[i]);
		if (!text_is_plain(texts[i]) || texts[i][0] == '\0')
			return complain("has characters that are not allowed: ", names[i]);
	}
	return 0;
}

static int write_run(struct options *o, const struct setup_machine *m)
{
	char why[SETUP_TEXT_MAX];
	int ret = order_check(&o->order);

	if (ret != 0)
		return ret;
	if (setup_write(o->root, m, &o->order, o->write, why) != 0) {
		complain(why, "");
		return EXIT_FAILURE;
	}
	fprintf(stderr, "Written. To check it: mskpushd --check-config %s\n", o->write);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct setup_machine machine;
	static struct setup_findings findings;
	struct options o;
	int ret = options_read(argc, argv, &o);

	if (ret != 0)
		return ret < 0 ? EXIT_SUCCESS : EXIT_USAGE;
	setup_look(o.root, &machine);
	if (o.port != NULL) {
		o.order.port = setup_port_find(&machine, o.port);
		if (o.order.port == NULL)
			return complain("there is no such port: ", o.port);
	}
	if (o.write != NULL) {
		ret = write_run(&o, &machine);
		if (ret != 0)
			return ret;
	}
	if (o.order.interface != NULL)
		setup_advise_interface(o.root, &machine, o.order.interface, &findings);
	else
		setup_advise(o.root, &machine, o.order.port, &findings);
	(o.is_json ? setup_print_json : setup_print)(&machine, &findings, stdout);
	for (unsigned i = 0; i < findings.n; i++)
		if (findings.finding[i].is_missing)
			return EXIT_MISSING;
	return EXIT_SUCCESS;
}
