// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Opening a store, and what is not opened.

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"
#include "files.h"
#include "offline.h"
#include "support_import.h"

static int try_open(const char *dir, uint64_t map_bytes, struct store_env **env, char why[256])
{
	struct store_env_conf conf = {
		.dir = dir,
		.map_bytes = map_bytes,
		.max_readers = 4,
		.wrapping_key = test_wrapping_key(),
	};

	return store_env_open(&conf, env, why);
}

static void expect_refused(const char *dir, int rc, const char *word)
{
	struct store_env *env;
	char why[256];

	assert_int_equal(try_open(dir, TEST_MAP_BYTES, &env, why), rc);
	assert_null(env);
	assert_non_null(strstr(why, word));
	assert_int_equal(why[strlen(why) - 1], '.');
}

static const char *in(const char *dir, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void directory_is_made_and_private(void **state)
{
	char dir[256];
	struct stat st;
	struct store_env *env;

	(void)state;
	strcpy(dir, in(test_dir(), "store"));
	env = test_open(dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(in(dir, "data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true((uint64_t)st.st_size == TEST_MAP_BYTES);
	assert_true((uint64_t)st.st_blocks * 512 >= TEST_MAP_BYTES);
	assert_int_equal(stat(in(dir, "lock.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_env_close(env);
	expect_refused("/dev/null/store", -ENOTDIR, "/dev/null/store");
}

static void second_opening_is_refused_with_the_pid(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = test_open(dir);
	char pid[32];

	(void)state;
	snprintf(pid, sizeof(pid), "pid %d.", (int)getpid());
	expect_refused(dir, -EBUSY, pid);
	store_env_close(env);
	store_env_close(test_open(dir));
}

// Whatever name the directory goes by, and whatever became of the file that tells the pid.
static void second_opening_is_refused_by_any_name(void **state)
{
	const char *dir = test_dir(), *other = in(test_dir(), "other");
	struct store_env *env = test_open(dir);

	(void)state;
	assert_int_equal(symlink(dir, other), 0);
	expect_refused(other, -EBUSY, "in use by the process with pid");
	assert_int_equal(unlink(in(dir, "lock")), 0);
	expect_refused(dir, -EBUSY, "in use by the process with pid unknown.");
	assert_int_equal(access(in(dir, "lock"), F_OK), -1);
	store_env_close(env);
	store_env_close(test_open(dir));
}

static void lock_goes_with_its_process(void **state)
{
	const char *dir = test_dir();
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		test_open(dir);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	store_env_close(test_open(dir));
}

static void two_stores_stand_side_by_side(void **state)
{
	struct store_env *a = test_open(test_dir()), *b = test_open(test_dir());

	(void)state;
	test_import_range(a, 0, 10);
	test_no_range(b, 0, 10);
	store_env_close(a);
	store_env_close(b);
}

static void content_is_there_after_opening_again(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = test_open(dir);
	struct store_env_info info;

	(void)state;
	test_import_range(env, 0, 1000);
	assert_int_equal(store_env_info(env, &info), 0);
	assert_true(info.used_bytes > 0 && info.used_bytes <= info.map_bytes);
	assert_true(info.version > 0);
	store_env_close(env);
	env = test_open(dir);
	test_range(env, 0, 1000, 0);
	store_env_close(env);
}

static void larger_file_keeps_its_size(void **state)
{
	const char *dir = test_dir();
	struct store_env_info info;
	struct store_env *env = test_open(dir);
	char why[256];

	(void)state;
	store_env_close(env);
	assert_int_equal(try_open(dir, 1 << 20, &env, why), 0);
	assert_int_equal(store_env_info(env, &info), 0);
	assert_true(info.map_bytes == TEST_MAP_BYTES);
	store_env_close(env);
	assert_int_equal(try_open(dir, 2 * TEST_MAP_BYTES, &env, why), 0);
	assert_int_equal(store_env_info(env, &info), 0);
	assert_true(info.map_bytes == 2 * TEST_MAP_BYTES);
	store_env_close(env);
}

static void put_meta(const char *dir, enum meta_key key, const void *data, size_t len)
{
	struct store_env *env = test_open(dir);
	struct store_txn *txn = test_begin(env);

	assert_int_equal(db_put_u32(&txn->view, DB_META, key, data, len), 0);
	test_commit(txn);
	store_env_close(env);
}

static void unknown_format_is_refused(void **state)
{
	struct format_record format = {.magic = STORE_MAGIC, .format = STORE_FORMAT + 1};
	const char *dir = test_dir();

	(void)state;
	put_meta(dir, META_FORMAT, &format, sizeof(format));
	expect_refused(dir, -EPROTO, "format that this program does not know");
	dir = test_dir();
	memcpy(format.magic, "another", 8);
	put_meta(dir, META_FORMAT, &format, sizeof(format));
	expect_refused(dir, -EIO, "not a store of mskpush");
	dir = test_dir();
	put_meta(dir, META_FORMAT, &format, 3);
	expect_refused(dir, -EIO, "not a store of mskpush");
}

// A file of LMDB's that is somebody else's is not written to.
static void environment_of_another_program_is_refused(void **state)
{
	const char *dir = test_dir();
	MDB_env *mdb;

	(void)state;
	assert_int_equal(mdb_env_create(&mdb), 0);
	assert_int_equal(mdb_env_open(mdb, dir, 0, 0600), 0);
	mdb_env_close(mdb);
	expect_refused(dir, -EIO, "not a store of mskpush");
}

// What a start left that did not come to its end is no store, and in nobody's way.
static void half_made_store_is_made_anew(void **state)
{
	const char *dir = test_dir();
	FILE *f = fopen(in(dir, "data.new"), "w");

	(void)state;
	assert_non_null(f);
	fprintf(f, "half of a page");
	fclose(f);
	store_env_close(test_open(dir));
	assert_int_equal(access(in(dir, "data.new"), F_OK), -1);
	assert_int_equal(access(in(dir, "data.new-lock"), F_OK), -1);
}

static void unknown_state_record_is_refused(void **state)
{
	struct state_record record = {.version = STATE_VERSION + 1};
	const char *dir = test_dir();

	(void)state;
	put_meta(dir, META_STATE, &record, sizeof(record));
	expect_refused(dir, -EPROTO, "format that this program does not know");
	dir = test_dir();
	record.version = STATE_VERSION;
	put_meta(dir, META_STATE, &record, sizeof(record) - 1);
	expect_refused(dir, -EIO, "cannot be opened");
}

static void file_of_something_else_is_refused(void **state)
{
	const char *dir = test_dir();
	FILE *f = fopen(in(dir, "data.mdb"), "w");

	(void)state;
	assert_non_null(f);
	for (unsigned i = 0; i < 10000; i++)
		fprintf(f, "this is no store ");
	fclose(f);
	expect_refused(dir, -EIO, "damaged or is not a store");
}

static void cut_file_is_refused(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = test_open(dir);
	struct store_env_info info;

	(void)state;
	test_import_range(env, 0, 5000);
	assert_int_equal(store_env_info(env, &info), 0);
	store_env_close(env);
	assert_int_equal(truncate(in(dir, "data.mdb"), (off_t)info.used_bytes - 4096), 0);
	expect_refused(dir, -EIO, "cut short");
	assert_int_equal(truncate(in(dir, "data.mdb"), 100), 0);
	expect_refused(dir, -EIO, "");
}

static void no_room_on_the_disk_is_said(void **state)
{
	struct store_env *env;
	char why[256];

	(void)state;
	assert_int_equal(try_open(test_dir(), UINT64_C(1) << 45, &env, why) < 0, 1);
	assert_null(env);
	assert_int_equal(why[strlen(why) - 1], '.');
}

// As a store was before there were MTKs.
static void later_tables_remove(const char *dir)
{
	static const char *const names[] = {"mtk", "bearer"};
	MDB_env *mdb;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&mdb), 0);
	assert_int_equal(mdb_env_set_maxdbs(mdb, 2), 0);
	assert_int_equal(mdb_env_open(mdb, dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(mdb, NULL, 0, &txn), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mdb_dbi_open(txn, names[i], 0, &dbi), 0);
		assert_int_equal(mdb_drop(txn, dbi, 1), 0);
	}
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(mdb);
}

static void finding_print(void *arg, const struct store_finding *finding)
{
	(void)arg;
	print_message("%s: %s\n", finding->table, finding->what);
}

static void backup_from_before_the_mtks_is_looked_through(void **state)
{
	const char *dir = test_dir();
	struct store_env_conf conf = {
		.file = in(dir, "data.mdb"), .wrapping_key = test_wrapping_key()};
	struct store_env *env = test_open(dir);
	struct store_check_result result;
	char why[256];

	(void)state;
	test_import_range(env, 0, 100);
	store_env_close(env);
	later_tables_remove(dir);
	assert_int_equal(store_env_open(&conf, &env, why), 0);
	assert_int_equal(store_check(env, finding_print, NULL, &result), 0);
	assert_int_equal(result.live, 100);
	assert_int_equal(result.findings, 0);
	store_env_close(env);
}

// A file may be mapped more than once, and another one may have its number.
static void mapping_is_the_one_that_an_address_lies_in(void **state)
{
	int fd = open(in(test_dir(), "pages"), O_RDWR | O_CREAT, 0600);
	uint8_t *room = mmap(NULL, 5 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *map;
	size_t bytes;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	for (unsigned i = 1; i < 5; i += 2)
		assert_ptr_equal(
			mmap(room + i * 4096, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0),
			room + i * 4096);
	assert_int_equal(file_mapping(room + 3 * 4096 + 100, &map, &bytes), 0);
	assert_ptr_equal(map, room + 3 * 4096);
	assert_int_equal(bytes, 4096);
	munmap(room, 5 * 4096);
	assert_int_equal(file_mapping(room, &map, &bytes), -ENOENT);
	close(fd);
}

static void readers_are_counted(void **state)
{
	struct store_env *env = test_open(test_dir());
	struct store_reader *r[8], *more;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		r[i] = test_reader(env);
	assert_int_equal(store_reader_create(env, &more), -ENOSPC);
	assert_null(more);
	for (unsigned i = 0; i < 8; i++)
		store_reader_destroy(r[i]);
	r[0] = test_reader(env);
	store_reader_destroy(r[0]);
	store_env_close(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_is_made_and_private),
		cmocka_unit_test(second_opening_is_refused_with_the_pid),
		cmocka_unit_test(second_opening_is_refused_by_any_name),
		cmocka_unit_test(lock_goes_with_its_process),
		cmocka_unit_test(two_stores_stand_side_by_side),
		cmocka_unit_test(content_is_there_after_opening_again),
		cmocka_unit_test(larger_file_keeps_its_size),
		cmocka_unit_test(unknown_format_is_refused),
		cmocka_unit_test(environment_of_another_program_is_refused),
		cmocka_unit_test(half_made_store_is_made_anew),
		cmocka_unit_test(unknown_state_record_is_refused),
		cmocka_unit_test(file_of_something_else_is_refused),
		cmocka_unit_test(cut_file_is_refused),
		cmocka_unit_test(no_room_on_the_disk_is_said),
		cmocka_unit_test(backup_from_before_the_mtks_is_looked_through),
		cmocka_unit_test(mapping_is_the_one_that_an_address_lies_in),
		cmocka_unit_test(readers_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
