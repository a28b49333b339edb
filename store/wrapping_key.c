// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "wrapping_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "files.h"
#include "writer.h"

#define FILE_BYTES 1024
#define PASSPHRASE_MIN 8
#define SCRYPT_LOG2_N 17
#define SCRYPT_R 8
#define SCRYPT_P 1
// What a store may ask for: a damaged or forged record must not take all memory.
#define SCRYPT_LOG2_N_MIN 14
#define SCRYPT_LOG2_N_MAX 20
#define SCRYPT_MEMORY_MAX (UINT64_C(2) << 30)

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static int credential_path(const char *name, char *path, char *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return why_not(why, -EINVAL, "\"%.100s\" is no name of a credential.", name);
	if (dir == NULL)
		return why_not(why, -ENOENT,
			"There are no credentials ($CREDENTIALS_DIRECTORY is not set): "
			"LoadCredential= of the unit brings \"%.80s\" in.",
			name);
	return file_path(dir, name, path) == 0
		? 0
		: why_not(why, -ENAMETOOLONG, "The path of the credential is too long.");
}

static int plain_path(const char *text, char *path, char *why)
{
	if (text[0] != '/' || strlen(text) >= PATH_BYTES)
		return why_not(why, -EINVAL, "\"%.150s\" has to be an absolute path.", text);
	strcpy(path, text);
	return 0;
}

int wrapping_source(const char *source, enum wrapping_kind *kind, char *path, char *why)
{
	const char *rest;

	*kind = WRAPPING_KEY;
	path[0] = '\0';
	if (strcmp(source, "none") == 0) {
		*kind = WRAPPING_NONE;
		return 0;
	}
	if ((rest = after(source, "file:")) != NULL)
		return plain_path(rest, path, why);
	if ((rest = after(source, "credential:")) != NULL)
		return credential_path(rest, path, why);
	*kind = WRAPPING_PASSPHRASE;
	if ((rest = after(source, "passphrase-file:")) != NULL)
		return plain_path(rest, path, why);
	return why_not(why, -EINVAL,
		"\"%.80s\" is no source of a wrapping key: none, file:PATH, credential:NAME, "
		"passphrase-file:PATH.",
		source);
}

int store_wrapping_check(const char *source, char why[256])
{
	enum wrapping_kind kind;
	char path[PATH_BYTES];
	int rc = wrapping_source(source, &kind, path, why);

	// A credential is only there when the daemon is started by its unit.
	return rc == -ENOENT ? 0 : rc;
}

int wrapping_scrypt_draw(struct wrapping_scrypt *out)
{
	*out = (struct wrapping_scrypt){.log2_n = SCRYPT_LOG2_N, .r = SCRYPT_R, .p = SCRYPT_P};
	return getrandom(out->salt, sizeof(out->salt), 0) == sizeof(out->salt) ? 0 : -EIO;
}

static int file_read(const char *path, char data[FILE_BYTES], size_t *len, char *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return why_not(why, rc, "The wrapping key %.150s cannot be read: %s.", path,
			strerror(-rc));
	}
	n = read(fd, data, FILE_BYTES);
	close(fd);
	if (n < 0)
		return why_not(why, -EIO, "The wrapping key %.150s cannot be read.", path);
	*len = (size_t)n;
	if ((st.st_mode & 007) != 0)
		return why_not(why, -EPERM,
			"The wrapping key %.120s may be read or written by everybody: chmod o= it.",
			path);
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

static int key_from_file(
	const char *path, const char *data, size_t len, uint8_t key[AEAD_KEY_BYTES], char *why)
{
	if (len == AEAD_KEY_BYTES) {
		memcpy(key, data, AEAD_KEY_BYTES);
		return 0;
	}
	if (len == 2 * AEAD_KEY_BYTES + 1 && data[len - 1] == '\n')
		len--;
	for (size_t i = 0; len == 2 * AEAD_KEY_BYTES && i < AEAD_KEY_BYTES; i++) {
		int high = hex_digit(data[2 * i]), low = hex_digit(data[2 * i + 1]);

		if (high < 0 || low < 0)
			len = 0;
		key[i] = (uint8_t)(high << 4 | low);
	}
	if (len == 2 * AEAD_KEY_BYTES)
		return 0;
	return why_not(why, -EINVAL,
		"The wrapping key %.120s is neither 32 octets nor 64 hex digits (openssl rand -hex "
		"32 makes one).",
		path);
}

static int key_from_passphrase(const char *path, const char *data, size_t len,
	const struct wrapping_scrypt *s, uint8_t key[AEAD_KEY_BYTES], char *why)
{
	const char *end = memchr(data, '\n', len);

	len = end != NULL ? (size_t)(end - data) : len;
	if (len < PASSPHRASE_MIN)
		return why_not(why, -EINVAL, "The passphrase in %.120s is shorter than %d octets.",
			path, PASSPHRASE_MIN);
	if (s->log2_n < SCRYPT_LOG2_N_MIN || s->log2_n > SCRYPT_LOG2_N_MAX || s->r == 0 ||
		s->r > 16 || s->p == 0 || s->p > 16)
		return why_not(why, -EIO,
			"The store asks for scrypt with N = 2^%u, r = %u, p = %u.", s->log2_n, s->r,
			s->p);
	if (EVP_PBE_scrypt(data, len, s->salt, sizeof(s->salt), UINT64_C(1) << s->log2_n, s->r,
		    s->p, SCRYPT_MEMORY_MAX, key, AEAD_KEY_BYTES) != 1)
		return why_not(why, -ENOMEM, "There is no memory for scrypt (%u MiB).",
			(unsigned)((UINT64_C(128) << s->log2_n) * s->r >> 20));
	return 0;
}

int wrapping_key_read(const char *source, const struct wrapping_scrypt *scrypt,
	uint8_t key[AEAD_KEY_BYTES], char *why)
{
	enum wrapping_kind kind;
	char path[PATH_BYTES], data[FILE_BYTES];
	size_t len = 0;
	int rc = wrapping_source(source, &kind, path, why);

	if (rc == 0 && kind == WRAPPING_NONE)
		rc = why_not(why, -EINVAL, "\"none\" is no wrapping key.");
	if (rc == 0)
		rc = file_read(path, data, &len, why);
	if (rc == 0)
		rc = kind == WRAPPING_PASSPHRASE
			? key_from_passphrase(path, data, len, scrypt, key, why)
			: key_from_file(path, data, len, key, why);
	explicit_bzero(data, sizeof(data));
	return rc;
}
