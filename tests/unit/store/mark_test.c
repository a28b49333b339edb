// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support.h"

static const uint8_t machine[16] = "this machine...";
static const uint8_t other_machine[16] = "another machine";

static struct store_mark *open_mark(const char *dir, uint32_t want, enum store_mark_state state)
{
	struct store_mark *m;
	enum store_mark_state s;
	uint32_t mark;

	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &s), 0);
	assert_int_equal(mark, want);
	assert_int_equal(s, state);
	return m;
}

static void file(const char *dir, uint8_t data[1024], bool is_write)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/counter.mark", dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(is_write ? pwrite(fd, data, 1024, 0) : pread(fd, data, 1024, 0), 1024);
	close(fd);
}

static void missing_mark_is_made(void **state)
{
	const char *dir = test_dir();

	(void)state;
	store_mark_close(open_mark(dir, 0, STORE_MARK_MISSING));
	// Nothing was written to it: it still says nothing.
	store_mark_close(open_mark(dir, 0, STORE_MARK_MISSING));
}

// A daemon that died right after its first reservation leaves no mark either.
static void reservation_alone_is_no_mark(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);

	(void)state;
	assert_int_equal(store_mark_mtk_reserve(m, 16), 0);
	store_mark_close(m);
	m = open_mark(dir, 0, STORE_MARK_MISSING);
	assert_int_equal(store_mark_mtk_reservations(m), 16);
	store_mark_close(m);
}

// What a first start that was cut off leaves.
static void file_that_was_not_finished_is_made_anew(void **state)
{
	const char *dir = test_dir();
	char path[256];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/counter.mark.new", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	store_mark_close(open_mark(dir, 0, STORE_MARK_MISSING));
	assert_int_equal(access(path, F_OK), -1);
	store_mark_close(open_mark(dir, 0, STORE_MARK_MISSING));
}

// The room for the file is asked for first: here there is none.
static void mark_without_room_leaves_no_file(void **state)
{
	const struct rlimit none = {512, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
	const char *dir = test_dir();
	struct store_mark *m;
	enum store_mark_state s;
	char path[256];
	uint32_t mark;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &s), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	snprintf(path, sizeof(path), "%s/counter.mark", dir);
	assert_int_equal(access(path, F_OK), -1);
	store_mark_close(open_mark(dir, 0, STORE_MARK_MISSING));
}

static void last_mark_written_is_read(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);

	(void)state;
	for (uint32_t i = 1; i < 6; i++) {
		assert_int_equal(store_mark_write(m, 1000 * i, 0), 0);
		store_mark_close(m);
		m = open_mark(dir, 1000 * i, STORE_MARK_OK);
	}
	store_mark_close(m);
}

// Also while it is set back, and over reservations, which know no clock.
static void latest_clock_is_kept(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);

	(void)state;
	assert_int_equal(store_mark_clock(m), 0);
	assert_int_equal(store_mark_write(m, 1000, 990), 0);
	assert_int_equal(store_mark_write(m, 1010, 700), 0);
	assert_int_equal(store_mark_mtk_reserve(m, 16), 0);
	store_mark_close(m);
	m = open_mark(dir, 1010, STORE_MARK_OK);
	assert_int_equal(store_mark_clock(m), 990);
	store_mark_close(m);
}

static void mark_of_another_machine_is_told(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);
	enum store_mark_state s;
	uint32_t mark;

	(void)state;
	assert_int_equal(store_mark_write(m, 77, 0), 0);
	store_mark_close(m);
	assert_int_equal(store_mark_open(dir, other_machine, &m, &mark, &s), 0);
	assert_int_equal(mark, 77);
	assert_int_equal(s, STORE_MARK_OTHER_MACHINE);
	store_mark_close(m);
	assert_int_equal(store_mark_open(dir, other_machine, &m, &mark, &s), 0);
	assert_int_equal(s, STORE_MARK_OTHER_MACHINE);
	assert_int_equal(store_mark_write(m, 88, 0), 0);
	store_mark_close(m);
	assert_int_equal(store_mark_open(dir, other_machine, &m, &mark, &s), 0);
	assert_int_equal(s, STORE_MARK_OK);
	store_mark_close(m);
}

// Each single bit of either sector: the other sector is taken, and the next write heals.
static void one_damaged_sector_gives_the_other(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);
	uint8_t good[1024], bad[1024];

	(void)state;
	assert_int_equal(store_mark_write(m, 100, 0), 0); // sequence 2, first sector
	assert_int_equal(store_mark_write(m, 200, 0), 0); // sequence 3, second sector
	store_mark_close(m);
	file(dir, good, false);
	for (unsigned bit = 0; bit < 8 * 1024; bit++) {
		memcpy(bad, good, sizeof(bad));
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		file(dir, bad, true);
		store_mark_close(open_mark(dir, bit < 8 * 512 ? 200 : 100, STORE_MARK_HALF));
	}
	m = open_mark(dir, 100, STORE_MARK_HALF);
	assert_int_equal(store_mark_write(m, 300, 0), 0);
	store_mark_close(m);
	store_mark_close(open_mark(dir, 300, STORE_MARK_OK));
}

static void two_damaged_sectors_are_refused(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);
	enum store_mark_state s;
	uint8_t data[1024];
	uint32_t mark;

	(void)state;
	assert_int_equal(store_mark_write(m, 100, 0), 0);
	store_mark_close(m);
	file(dir, data, false);
	data[100] ^= 1;
	data[512 + 511] ^= 0x80;
	file(dir, data, true);
	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &s), -EUCLEAN);
	assert_null(m);
	memset(data, 0, sizeof(data));
	file(dir, data, true);
	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &s), -EUCLEAN);
}

static void short_mark_file_is_refused_or_half_read(void **state)
{
	const char *dir = test_dir();
	struct store_mark *m = open_mark(dir, 0, STORE_MARK_MISSING);
	enum store_mark_state s;
	char path[256];
	uint32_t mark;

	(void)state;
	assert_int_equal(store_mark_write(m, 100, 0), 0);
	store_mark_close(m);
	snprintf(path, sizeof(path), "%s/counter.mark", dir);
	assert_int_equal(truncate(path, 700), 0);
	store_mark_close(open_mark(dir, 100, STORE_MARK_HALF));
	assert_int_equal(truncate(path, 300), 0);
	assert_int_equal(store_mark_open(dir, machine, &m, &mark, &s), -EUCLEAN);
}

static void mark_needs_its_directory(void **state)
{
	struct store_mark *m;
	enum store_mark_state s;
	uint32_t mark;

	(void)state;
	assert_int_equal(store_mark_open("/nonexistent/dir", machine, &m, &mark, &s), -ENOENT);
	assert_null(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_mark_is_made),
		cmocka_unit_test(reservation_alone_is_no_mark),
		cmocka_unit_test(file_that_was_not_finished_is_made_anew),
		cmocka_unit_test(mark_without_room_leaves_no_file),
		cmocka_unit_test(last_mark_written_is_read),
		cmocka_unit_test(latest_clock_is_kept),
		cmocka_unit_test(mark_of_another_machine_is_told),
		cmocka_unit_test(one_damaged_sector_gives_the_other),
		cmocka_unit_test(two_damaged_sectors_are_refused),
		cmocka_unit_test(short_mark_file_is_refused_or_half_read),
		cmocka_unit_test(mark_needs_its_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
