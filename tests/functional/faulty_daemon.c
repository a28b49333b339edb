// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpushd on a CPU that makes a mistake: the linker puts this in front of what makes a context of
// the crypto. Message 3 of every burst is wrong, and one of them soon is a sample.

#include "../unit/crypto/faulty.h"

#define SAMPLE_AFTER 3 // in the first burst: later ones need not be full

int __real_crypto_create_path(enum crypto_path_id path, struct crypto **out);
int __wrap_crypto_create_path(enum crypto_path_id path, struct crypto **out);

int __wrap_crypto_create_path(enum crypto_path_id path, struct crypto **out)
{
	int ret = __real_crypto_create_path(path, out);

	if (ret != 0)
		return ret;
	faulty = (struct faulty){.what = FAULTY_SEAL, .message = 3};
	faulty_install(*out);
	(*out)->until_sample = SAMPLE_AFTER;
	return 0;
}
