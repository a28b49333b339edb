// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Cuts the power at every record of a trace, rebuilds the disk as it may look then, opens the
// store on it and asks whether it keeps its promises.
//
//   powercut-check [OPTION]... TRACE
//     --store NAME       the store's directory below the root of the trace (default: store)
//     --base DIR         what was on the disk before the trace
//     --cuts N           about so many pictures, spread over the trace (default: all of them)
//     --seed N           for all that goes by chance
//     --forget N         as if the sync at record N had not been asked for, and cuts from there on
//                        until one breaks a promise: a test of the test
//     --one CUT.LUCK     this picture only
//     --keep DIR         leave the picture that was broken there
//     --draw DIR         with --one: draw the picture there, and check nothing
//
// The last line is "N pictures at M cuts, K broken". Exit status 1 when a promise was broken.

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "promise.h"

#define BROKEN_MAX 10 // then it is enough
#define PICTURE_S 60 // opening one takes milliseconds

struct options {
	const char *trace;
	const char *store;
	const char *base;
	const char *keep;
	const char *draw;
	uint64_t cuts;
	uint64_t seed;
	long forget;
	long one_cut;
	int one_luck;
};

// Shared by the process that opens pictures and the one that waits for it: a store that ends its
// process is a broken promise like any other.
struct progress {
	size_t number; // the cut that is looked at
	int luck;
	uint64_t pictures;
	uint64_t cuts;
	uint64_t broken;
};

struct check {
	struct options options;
	const uint8_t *trace;
	size_t trace_bytes;
	size_t records;
	struct disk *disk;
	struct promises *promises;
	char dir[64];
	struct progress *progress;
};

static uint64_t broken_max(const struct check *c)
{
	return c->options.forget >= 0 ? 1 : BROKEN_MAX;
}

static void fail(const char *what)
{
	fprintf(stderr, "powercut-check: %s: %s\n", what, strerror(errno));
	exit(2);
}

// --- The trace -------------------------------------------------------------------------------

// Reads the record at *at and moves on; false at the end.
static bool record_next(
	const struct check *c, size_t *at, struct trace_record *r, const uint8_t **payload)
{
	if (*at + sizeof(*r) > c->trace_bytes)
		return false;
	memcpy(r, c->trace + *at, sizeof(*r));
	if (r->kind >= TRACE_KINDS || r->payload > c->trace_bytes - *at - sizeof(*r)) {
		errno = EBADMSG;
		fail(c->options.trace);
	}
	*payload = c->trace + *at + sizeof(*r);
	*at += sizeof(*r) + r->payload;
	return true;
}

static void trace_open(struct check *c)
{
	int fd = open(c->options.trace, O_RDONLY | O_CLOEXEC);
	struct trace_record r;
	const uint8_t *payload;
	struct stat st;
	size_t at = 0;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		fail(c->options.trace);
	c->trace_bytes = (size_t)st.st_size;
	c->trace = mmap(NULL, c->trace_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (c->trace == MAP_FAILED)
		fail(c->options.trace);
	close(fd);
	while (record_next(c, &at, &r, &payload))
		c->records++;
}

// The state that the operation which is under way at `at` will end with.
static void next_state(struct check *c, size_t at)
{
	struct trace_record r;
	const uint8_t *payload;
	char state[128] = "";

	while (record_next(c, &at, &r, &payload)) {
		if (r.kind != TRACE_NOTE || r.payload < 6 || memcmp(payload, "state ", 6) != 0)
			continue;
		snprintf(state, sizeof(state), "%.*s", (int)(r.payload - 6), payload + 6);
		break;
	}
	promises_expect(c->promises, state);
}

// --- One picture -----------------------------------------------------------------------------

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level > 0 ? remove(path) : 0;
}

static void dir_clear(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void picture_draw(struct check *c, size_t number, enum disk_luck luck, const char *dir)
{
	int rc;

	dir_clear(dir);
	rc = disk_picture(c->disk, luck, c->options.seed + number, dir);
	if (rc == 0)
		return;
	errno = -rc;
	fail(dir);
}

static void picture_broken(struct check *c)
{
	const struct progress *p = c->progress;

	c->progress->broken++;
	printf("  broken at --one %zu.%d --seed %" PRIu64 "\n", p->number, p->luck,
		c->options.seed);
	fflush(stdout);
}

static void picture_check(struct check *c, size_t number, enum disk_luck luck)
{
	char store[128];

	picture_draw(c, number, luck, c->options.draw != NULL ? c->options.draw : c->dir);
	c->progress->pictures++;
	if (c->options.draw != NULL)
		return;
	snprintf(store, sizeof(store), "%s/%s", c->dir, c->options.store);
	alarm(PICTURE_S);
	c->progress->luck = luck;
	if (promises_hold(c->promises, store))
		return;
	picture_broken(c);
	if (c->options.keep != NULL)
		picture_draw(c, number, luck, c->options.keep);
}

// --- The cuts --------------------------------------------------------------------------------

static bool is_chosen(const struct check *c, size_t number, int luck)
{
	const struct options *o = &c->options;
	uint64_t all = c->records * DISK_LUCKS, x = number * DISK_LUCKS + (unsigned)luck;

	if (o->one_cut >= 0)
		return (long)number == o->one_cut && luck == o->one_luck;
	if (o->cuts == 0 || o->cuts >= all)
		return true;
	x = (x + o->seed) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ x >> 29) % all < o->cuts;
}

static void cut(struct check *c, size_t number, size_t at)
{
	int lucks = disk_is_unsure(c->disk) ? DISK_LUCKS : 1;
	int luck = 0;
	bool is_new = true;

	if (number < c->progress->number)
		return;
	// Where the process before this one ended.
	if (number == c->progress->number)
		luck = c->progress->luck + 1;
	c->progress->number = number;
	c->progress->luck = luck - 1;
	for (; luck < lucks && c->progress->broken < broken_max(c); luck++) {
		if (!is_chosen(c, number, luck))
			continue;
		if (is_new)
			next_state(c, at);
		c->progress->cuts += is_new;
		is_new = false;
		picture_check(c, number, luck);
	}
}

static void record_take(struct check *c, const struct trace_record *r, const uint8_t *payload)
{
	const char *why;

	if (r->kind == TRACE_NOTE)
		promises_take(c->promises, (const char *)payload, r->payload);
	why = disk_take(c->disk, r, payload);
	if (why == NULL)
		return;
	fprintf(stderr, "powercut-check: %s: %s\n", c->options.trace, why);
	exit(2);
}

static void trace_check(struct check *c)
{
	struct trace_record r;
	const uint8_t *payload;
	size_t at = 0;

	c->disk = disk_create(c->options.base);
	c->promises = promises_create();
	if (c->disk == NULL || c->promises == NULL)
		fail("memory");
	for (size_t n = 0; record_next(c, &at, &r, &payload); n++) {
		if (c->progress->broken >= broken_max(c))
			break;
		if ((long)n != c->options.forget)
			record_take(c, &r, payload);
		if ((long)n >= c->options.forget)
			cut(c, n, at);
	}
	disk_destroy(c->disk);
	promises_destroy(c->promises);
}

// One process looks at pictures until it is through or dies of one; the next goes on behind it.
static void trace_check_all(struct check *c)
{
	int status;

	do {
		pid_t child;

		fflush(stdout);
		child = fork();
		if (child == 0) {
			trace_check(c);
			fflush(stdout);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			fail("fork");
		if (WIFSIGNALED(status)) {
			printf("  the store ended the process with signal %d\n", WTERMSIG(status));
			picture_broken(c);
		} else if (WEXITSTATUS(status) != 0) {
			exit(2);
		}
	} while (WIFSIGNALED(status) && c->progress->broken < broken_max(c));
}

static void options_read(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"store", required_argument, NULL, 's'},
		{"base", required_argument, NULL, 'b'},
		{"cuts", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 'S'},
		{"forget", required_argument, NULL, 'f'},
		{"one", required_argument, NULL, 'o'},
		{"keep", required_argument, NULL, 'k'},
		{"draw", required_argument, NULL, 'd'},
		{0},
	};
	int letter;

	*o = (struct options){.store = "store", .forget = -1, .one_cut = -1};
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (letter) {
		case 's':
			o->store = optarg;
			break;
		case 'b':
			o->base = optarg;
			break;
		case 'c':
			o->cuts = strtoull(optarg, NULL, 10);
			break;
		case 'S':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			o->forget = atol(optarg);
			break;
		case 'k':
			o->keep = optarg;
			break;
		case 'd':
			o->draw = optarg;
			break;
		case 'o':
			if (sscanf(optarg, "%ld.%d", &o->one_cut, &o->one_luck) == 2)
				break;
			// fall through
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc)
		exit(2);
	o->trace = argv[optind];
}

int main(int argc, char **argv)
{
	const char *fast = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct check c = {0};

	options_read(&c.options, argc, argv);
	trace_open(&c);
	snprintf(c.dir, sizeof(c.dir), "%s/powercut.XXXXXX", fast);
	if (mkdtemp(c.dir) == NULL)
		fail(c.dir);
	c.progress = mmap(NULL, sizeof(*c.progress), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.progress == MAP_FAILED)
		fail("memory");
	c.progress->luck = -1;
	trace_check_all(&c);
	dir_clear(c.dir);
	rmdir(c.dir);
	printf("%" PRIu64 " pictures at %" PRIu64 " cuts, %" PRIu64 " broken\n",
		c.progress->pictures, c.progress->cuts, c.progress->broken);
	return c.progress->broken > 0 ? 1 : 0;
}
