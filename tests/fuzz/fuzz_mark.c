// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as the mark file. It is refused, or taken as what it says: then a mark that is written
// is what the next start finds, and a Key Number never goes back. The first octet says whether
// checksums are put right, so that what lies behind them is reached.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "numbers.h"
#include "writer.h"

#define SECTOR 512
#define RECORD 16
#define FILE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static const char *directory(void)
{
	static char dir[] = "/tmp/mskpush-fuzz-XXXXXX";
	static const char *made;

	if (made == NULL)
		made = mkdtemp(dir);
	require(made != NULL);
	return made;
}

static void checksum_put(uint8_t *at, size_t len)
{
	static const struct hash_key zero;
	uint64_t sum = hash_bytes(&zero, at, len);

	memcpy(at + len, &sum, sizeof(sum));
}

static size_t file_fill(const uint8_t *data, size_t size, uint8_t file[FILE_MAX])
{
	size_t len = size - 1 < FILE_MAX ? size - 1 : FILE_MAX;

	memcpy(file, data + 1, len);
	for (size_t at = 0; at < 2 && (data[0] >> at & 1) != 0; at++)
		if ((at + 1) * SECTOR <= len)
			checksum_put(file + at * SECTOR, SECTOR - 8);
	for (size_t at = 2 * SECTOR; (data[0] & 4) != 0 && at + RECORD <= len; at += RECORD)
		checksum_put(file + at, RECORD - 8);
	return len;
}

static void file_write(const char *dir, const uint8_t *file, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/counter.mark", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	require(fd >= 0 && write(fd, file, len) == (ssize_t)len);
	close(fd);
}

static uint32_t mark_found(const char *dir, struct store_mark **m)
{
	static const uint8_t machine[16] = "fuzz";
	enum store_mark_state state;
	uint32_t mark;
	int rc = store_mark_open(dir, machine, m, &mark, &state);

	require(rc == 0 ? *m != NULL && state <= STORE_MARK_HALF : rc == -EUCLEAN && *m == NULL);
	return mark;
}

static void numbers_check(const char *dir)
{
	const struct store_group_id group = {{0x00, 0xf1, 0x10}, 1};
	struct numbers n;
	char path[128];
	uint16_t last;
	int fd;

	snprintf(path, sizeof(path), "%s/counter.mark", dir);
	fd = open(path, O_RDWR);
	require(fd >= 0 && numbers_read(&n, fd, 2 * SECTOR) == 0);
	last = numbers_last(&n, &group);
	require(numbers_raise(&n, &group, 100) == 0);
	numbers_free(&n);
	require(numbers_read(&n, fd, 2 * SECTOR) == 0);
	require(numbers_last(&n, &group) == (last > 100 ? last : 100));
	numbers_free(&n);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *dir = directory();
	uint8_t file[FILE_MAX];
	struct store_mark *m;
	uint32_t mark;

	if (size < 2)
		return 0;
	file_write(dir, file, file_fill(data, size, file));
	mark = mark_found(dir, &m);
	if (m == NULL)
		return 0;
	require(store_mark_write(m, mark ^ 0x5a, 0) == 0);
	store_mark_close(m);
	require(mark_found(dir, &m) == (mark ^ 0x5a));
	store_mark_close(m);
	numbers_check(dir);
	return 0;
}
