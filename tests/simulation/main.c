// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Whole sites in virtual time. A seed that fails is run twice, and both runs have to be the same to
// the last octet. 0: all held.

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "log.h"
#include "sim.h"

static struct sim sim;

// What all campaigns together came to.
static struct {
	uint64_t deeds;
	uint64_t crashes;
	uint64_t frames;
	double seconds; // of virtual time
} totals;

struct options {
	uint64_t seed;
	uint64_t campaigns;
	bool has_digests; // of every campaign, not only of those that fail
	bool is_tracing;
};

static void eal_start(char run_dir[64])
{
	char file_prefix[64], lcores[32];
	char *args[] = {(char *)"simulation", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-m", (char *)"256", (char *)"--no-telemetry",
		(char *)"--log-level=warning", file_prefix, lcores};
	cpu_set_t before;

	snprintf(run_dir, 64, "/tmp/mskpush-sim-run-XXXXXX");
	if (mkdtemp(run_dir) == NULL)
		abort();
	setenv("RUNTIME_DIRECTORY", run_dir, 1);
	snprintf(file_prefix, sizeof(file_prefix), "--file-prefix=sim%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", sched_getcpu());
	// EAL ties the thread to one CPU; others may run here at once.
	sched_getaffinity(0, sizeof(before), &before);
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		abort();
	sched_setaffinity(0, sizeof(before), &before);
}

static void run_dir_remove(const char *run_dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", run_dir);
	if (system(command) != 0)
		fprintf(stderr, "%s stays behind\n", run_dir);
}

// False: it failed.
static bool campaign_run(const struct options *options, uint64_t seed)
{
	uint64_t digest;
	bool is_right = sim_run(&sim, seed);

	totals.deeds += sim.deeds;
	totals.crashes += sim.crashes;
	totals.frames += sim.air.frames;
	totals.seconds += (double)os.ns / 1e9;
	if (is_right && options->has_digests)
		printf("seed %lu: digest %016lx, %u people, %u deeds, %u crashes, %.0f s\n", seed,
			sim.digest, sim.crowd_people, sim.deeds, sim.crashes, (double)os.ns / 1e9);
	if (is_right)
		return true;
	digest = sim.digest;
	printf("seed %lu: after %.3f s: %s\n", seed, (double)os.ns / 1e9, sim.violation);
	sim_run(&sim, seed);
	printf("seed %lu: digest %016lx, again %016lx: %s; replay with --seed %lu --trace\n", seed,
		digest, sim.digest, digest == sim.digest ? "the same" : "NOT THE SAME", seed);
	fflush(stdout);
	return false;
}

static bool options_read(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"seed", required_argument, NULL, 's'},
		{"campaigns", required_argument, NULL, 'c'},
		{"any", no_argument, NULL, 'a'},
		{"digests", no_argument, NULL, 'd'},
		{"trace", no_argument, NULL, 't'},
		{0},
	};
	int c;

	*options = (struct options){.seed = 1, .campaigns = 1};
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's')
			options->seed = strtoull(optarg, NULL, 10);
		else if (c == 'c')
			options->campaigns = strtoull(optarg, NULL, 10);
		else if (c == 'a')
			options->seed = (uint64_t)time(NULL) * 100000;
		else if (c == 'd')
			options->has_digests = true;
		else if (c == 't')
			options->is_tracing = true;
		else
			return false;
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options options;
	uint64_t failed = 0;
	char run_dir[64];

	if (!options_read(argc, argv, &options)) {
		fprintf(stderr,
			"usage: %s [--seed N | --any] [--campaigns N] [--digests] [--trace]\n"
			"  --seed N       the first seed, 1 if not given; --any: one of this "
			"second\n"
			"  --campaigns N  so many, each with the next seed\n"
			"  --digests      of each, not only of those that fail\n"
			"  --trace        every event and the daemon's log\n",
			argv[0]);
		return 2;
	}
	eal_start(run_dir);
	air_found(&sim.air);
	log_level_set(options.is_tracing ? LOG_INFO : LOG_ERROR);
	sim.is_tracing = options.is_tracing;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t i = 0; i < options.campaigns; i++)
		failed += !campaign_run(&options, options.seed + i);
	printf("%lu campaigns from seed %lu: %lu failed\n", options.campaigns, options.seed,
		failed);
	rte_eal_cleanup();
	run_dir_remove(run_dir);
	return failed == 0 ? 0 : 1;
}
