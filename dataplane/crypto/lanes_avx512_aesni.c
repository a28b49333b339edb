// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// AVX-512 of CPUs that have no VAES.

#include "lanes_aesni.h"
#include "lanes_avx512.h"
#include "lanes_body.h"

const struct lanes_isa lanes_avx512_aesni = LANES_ISA("avx512-aesni");
