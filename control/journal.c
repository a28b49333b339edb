// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log_text.h"

#define ENTRY_MAX 8192

struct entry_text {
	char byte[ENTRY_MAX];
	size_t n;
};

bool journal_has_stderr(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return text != NULL && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
		fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

int journal_open(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static void byte_put(struct entry_text *text, char c)
{
	if (text->n < sizeof(text->byte))
		text->byte[text->n++] = c;
}

static void bytes_put(struct entry_text *text, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		byte_put(text, from[i]);
}

// "given-up" becomes MSKPUSH_GIVEN_UP.
static void field_put(struct entry_text *text, const char *key, size_t key_len, const char *value,
	size_t value_len)
{
	bytes_put(text, "MSKPUSH_", 8);
	for (size_t i = 0; i < key_len; i++)
		byte_put(text, key[i] == '-' ? '_' : (char)toupper((unsigned char)key[i]));
	byte_put(text, '=');
	bytes_put(text, value, value_len);
	byte_put(text, '\n');
}

static void fields_put(struct entry_text *text, const char *pairs)
{
	const char *at = pairs, *key, *value;
	size_t key_len, value_len;

	while ((key_len = log_text_next(&at, &key, &value, &value_len)) > 0)
		field_put(text, key, key_len, value, value_len);
}

int journal_send(int fd, const char *path, const struct journal_entry *entry)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct entry_text text = {.n = 0};
	char head[128];

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	snprintf(head, sizeof(head), "PRIORITY=%d\nSYSLOG_IDENTIFIER=mskpushd\n", entry->priority);
	bytes_put(&text, head, strlen(head));
	bytes_put(&text, "MESSAGE=", 8);
	bytes_put(&text, entry->event, strlen(entry->event));
	byte_put(&text, ' ');
	bytes_put(&text, entry->pairs, strlen(entry->pairs));
	byte_put(&text, '\n');
	field_put(&text, "event", 5, entry->event, strlen(entry->event));
	fields_put(&text, entry->pairs);
	if (sendto(fd, text.byte, text.n, MSG_NOSIGNAL, (struct sockaddr *)&address,
		    sizeof(address)) < 0)
		return -errno;
	return 0;
}
