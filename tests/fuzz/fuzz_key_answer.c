// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as the answer of the key source; the first one chooses the HTTP status. Nothing is
// known without a name and keys, and what makes no sense leaves nothing behind.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "key_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void known_check(const struct key_answer *answer)
{
	size_t len = strnlen(answer->impi, sizeof(answer->impi));

	require(len > 0 && len <= STORE_NAI_MAX);
	require(answer->services <= KEY_SERVICES_MAX);
	for (unsigned i = 0; i < answer->services; i++)
		require(strnlen(answer->service[i], sizeof(answer->service[i])) <= STORE_NAME_MAX);
}

static void nothing_check(const struct key_answer *answer)
{
	struct key_answer nothing;

	memset(&nothing, 0, sizeof(nothing));
	nothing.verdict = answer->verdict;
	require(memcmp(answer, &nothing, sizeof(nothing)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {200, 404, 403, 503, 500, 0, 302};
	static struct gba *gba;
	struct key_answer answer;
	const char *why;

	if (gba == NULL)
		require(gba_create(&gba) == 0);
	if (size == 0)
		return 0;
	key_answer_read(gba, statuses[data[0] % 7], (const char *)data + 1, size - 1,
		data[0] & 0x80 ? 3600 : 0, &answer, &why);
	require((why != NULL) == (answer.verdict == KEY_BUSY));
	if (answer.verdict == KEY_KNOWN)
		known_check(&answer);
	else
		nothing_check(&answer);
	return 0;
}
