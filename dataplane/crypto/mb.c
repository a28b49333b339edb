// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The border to ipsec-mb. A burst is done completely or the process ends: going on after half of
// one would send key data in the clear. The library's error number is one word shared by all its
// threads and each call writes it, so whatever happens per message has to happen in bursts.

#include "mb.h"

#include <intel-ipsec-mb.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AES128_SCHEDULE_BYTES (11 * 16)

// Jobs are filled in once; a burst patches only what differs.
struct mb {
	// Secret while mb_ctr_burst() runs.
	_Alignas(64) uint8_t schedules[CRYPTO_BURST][AES128_SCHEDULE_BYTES];
	_Alignas(64) uint8_t decrypt_schedule[AES128_SCHEDULE_BYTES]; // written, never used
	IMB_JOB hmac_jobs[IMB_MAX_BURST_SIZE];
	IMB_JOB ctr_jobs[CRYPTO_BURST];
	IMB_MGR *mgr;
};

static void jobs_init(struct mb *mb)
{
	for (size_t i = 0; i < IMB_MAX_BURST_SIZE; i++) {
		mb->hmac_jobs[i] = (IMB_JOB){
			.auth_tag_output_len_in_bytes = MB_SHA1_BYTES,
			.cipher_mode = IMB_CIPHER_NULL,
			.hash_alg = IMB_AUTH_HMAC_SHA_1,
		};
	}
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		mb->ctr_jobs[i] = (IMB_JOB){
			.enc_keys = mb->schedules[i],
			.key_len_in_bytes = IMB_KEY_128_BYTES,
			.iv_len_in_bytes = 16,
			.cipher_mode = IMB_CIPHER_CNTR,
			.hash_alg = IMB_AUTH_NULL,
		};
	}
}

static int mgr_create(IMB_MGR **out)
{
	IMB_MGR *mgr = alloc_mb_mgr(0);
	if (mgr == NULL)
		return -ENOMEM;
	init_mb_mgr_auto(mgr, NULL);
	// Not imb_get_errno(): that may answer for another thread.
	int error = mgr->imb_errno;
	if (error != 0) {
		free_mb_mgr(mgr);
		return error == IMB_ERR_SELFTEST ? -EIO : -ENOSYS;
	}
	*out = mgr;
	return 0;
}

int mb_create(struct mb **out)
{
	struct mb *mb = aligned_alloc(_Alignof(struct mb), sizeof(*mb));
	if (mb == NULL)
		return -ENOMEM;
	memset(mb, 0, sizeof(*mb));
	int rc = mgr_create(&mb->mgr);
	if (rc != 0) {
		free(mb);
		return rc;
	}
	jobs_init(mb);
	*out = mb;
	return 0;
}

void mb_destroy(struct mb *mb)
{
	if (mb == NULL)
		return;
	free_mb_mgr(mb->mgr);
	free(mb);
}

const char *mb_version(void)
{
	return imb_get_version_str();
}

const char *mb_arch_name(const struct mb *mb)
{
	switch ((IMB_ARCH)mb->mgr->used_arch) {
	case IMB_ARCH_AVX512:
		return "avx512";
	case IMB_ARCH_AVX2:
		return "avx2";
	case IMB_ARCH_AVX:
		return "avx";
	case IMB_ARCH_SSE:
		return "sse";
	default:
		return "unknown";
	}
}

static void hmac_chunk(struct mb *mb, const struct mb_hmac *ops, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		IMB_JOB *job = &mb->hmac_jobs[i];
		assert(ops[i].len > 0);
		job->src = ops[i].data;
		job->msg_len_to_hash_in_bytes = ops[i].len;
		job->auth_tag_output = ops[i].tag;
		job->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)ops[i].key->inner;
		job->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)ops[i].key->outer;
	}
	uint32_t done =
		IMB_SUBMIT_HASH_BURST_NOCHECK(mb->mgr, mb->hmac_jobs, n, IMB_AUTH_HMAC_SHA_1);
	assert(done == n);
}

void mb_hmac_burst(struct mb *mb, const struct mb_hmac *ops, size_t n)
{
	while (n > 0) {
		size_t chunk = n < IMB_MAX_BURST_SIZE ? n : IMB_MAX_BURST_SIZE;
		hmac_chunk(mb, ops, (uint32_t)chunk);
		ops += chunk;
		n -= chunk;
	}
}

// 1.3 has no synchronous burst of plain SHA-1: these take the manager's job ring, which is empty
// before and after.
void mb_sha1_burst(struct mb *mb, const struct mb_sha1 *ops, size_t n)
{
	IMB_JOB *jobs[CRYPTO_BURST];

	assert(n <= CRYPTO_BURST);
	uint32_t got = IMB_GET_NEXT_BURST(mb->mgr, (uint32_t)n, jobs);
	assert(got == n);
	for (uint32_t i = 0; i < got; i++) {
		IMB_JOB *job = jobs[i];
		job->src = ops[i].data;
		job->hash_start_src_offset_in_bytes = 0;
		job->msg_len_to_hash_in_bytes = ops[i].len;
		job->auth_tag_output = ops[i].digest;
		job->auth_tag_output_len_in_bytes = MB_SHA1_BYTES;
		job->cipher_mode = IMB_CIPHER_NULL;
		job->cipher_direction = IMB_DIR_ENCRYPT;
		job->hash_alg = IMB_AUTH_SHA_1;
		job->chain_order = IMB_ORDER_HASH_CIPHER;
	}
	uint32_t done = IMB_SUBMIT_BURST_NOCHECK(mb->mgr, got, jobs);
	if (done < got)
		done += IMB_FLUSH_BURST(mb->mgr, got - done, jobs);
	assert(done == got);
}

void mb_ctr_burst(struct mb *mb, const struct mb_ctr *ops, size_t n)
{
	assert(n <= CRYPTO_BURST);
	for (size_t i = 0; i < n; i++) {
		IMB_AES_KEYEXP_128(mb->mgr, ops[i].key, mb->schedules[i], mb->decrypt_schedule);
		IMB_JOB *job = &mb->ctr_jobs[i];
		job->iv = ops[i].iv;
		job->src = ops[i].data;
		job->dst = ops[i].data;
		job->msg_len_to_cipher_in_bytes = ops[i].len;
	}
	uint32_t done = IMB_SUBMIT_CIPHER_BURST_NOCHECK(mb->mgr, mb->ctr_jobs, (uint32_t)n,
		IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
	assert(done == n);
	explicit_bzero(mb->schedules, n * AES128_SCHEDULE_BYTES);
	explicit_bzero(mb->decrypt_schedule, sizeof(mb->decrypt_schedule));
}

void mb_sha1_state(struct mb *mb, const uint8_t block[MB_BLOCK_BYTES], uint32_t state[5])
{
	IMB_SHA1_ONE_BLOCK(mb->mgr, block, state);
}
