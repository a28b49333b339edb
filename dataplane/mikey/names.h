// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Names of wire codes, for dumps. Codes without a name give "unknown".

#pragma once

#include <stdint.h>

const char *mikey_data_type_name(uint8_t type);
const char *mikey_map_type_name(uint8_t type);
const char *mikey_payload_name(uint8_t type);
const char *mikey_ext_type_name(uint8_t type);
const char *mikey_ts_type_name(uint8_t type);
const char *mikey_id_type_name(uint8_t type);
const char *mikey_sp_param_name(uint8_t type);
const char *mikey_encr_alg_name(uint8_t alg);
const char *mikey_mac_alg_name(uint8_t alg);
const char *mikey_key_type_name(uint8_t type);
const char *mikey_kv_name(uint8_t kv);
const char *mikey_error_name(uint8_t error_no);
