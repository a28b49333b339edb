// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "names.h"

#include <stddef.h>

#include "mikey.h"

static const char *name_find(const char *const *names, size_t count, uint8_t code)
{
	return code < count && names[code] != NULL ? names[code] : "unknown";
}

static const char *const data_types[] = {
	[MIKEY_TYPE_PSK] = "pre-shared-key",
	[MIKEY_TYPE_PSK_VERIFICATION] = "verification",
	[MIKEY_TYPE_ERROR] = "error",
};

static const char *const map_types[] = {
	[MIKEY_MAP_SRTP] = "srtp-id",
	[MIKEY_MAP_EMPTY] = "empty",
};

static const char *const payload_types[] = {
	[MIKEY_PAYLOAD_LAST] = "last",
	[MIKEY_PAYLOAD_KEMAC] = "KEMAC",
	[MIKEY_PAYLOAD_PKE] = "PKE",
	[MIKEY_PAYLOAD_DH] = "DH",
	[MIKEY_PAYLOAD_SIGN] = "SIGN",
	[MIKEY_PAYLOAD_T] = "T",
	[MIKEY_PAYLOAD_ID] = "ID",
	[MIKEY_PAYLOAD_CERT] = "CERT",
	[MIKEY_PAYLOAD_CHASH] = "CHASH",
	[MIKEY_PAYLOAD_V] = "V",
	[MIKEY_PAYLOAD_SP] = "SP",
	[MIKEY_PAYLOAD_RAND] = "RAND",
	[MIKEY_PAYLOAD_ERR] = "ERR",
	[MIKEY_PAYLOAD_KEY_DATA] = "key data",
	[MIKEY_PAYLOAD_EXT] = "EXT",
};

static const char *const ext_types[] = {
	[MIKEY_EXT_VENDOR_ID] = "vendor-id",
	[MIKEY_EXT_SDP_IDS] = "sdp-ids",
	[MIKEY_EXT_KEY_ID] = "key-id",
};

static const char *const ts_types[] = {
	[MIKEY_TS_NTP_UTC] = "ntp-utc",
	[MIKEY_TS_NTP] = "ntp",
	[MIKEY_TS_COUNTER] = "counter",
};

static const char *const id_types[] = {
	[MIKEY_ID_NAI] = "nai",
	[MIKEY_ID_URI] = "uri",
	[MIKEY_ID_BYTES] = "bytes",
};

// RFC 3830 6.10.1; the ROC transmission rate is RFC 4771's.
static const char *const sp_params[] = {
	"encr-alg",
	"encr-key-bytes",
	"auth-alg",
	"auth-key-bytes",
	"salt-bytes",
	"srtp-prf",
	"key-derivation-rate",
	"srtp-encryption",
	"srtcp-encryption",
	"fec-order",
	"srtp-authentication",
	"auth-tag-bytes",
	"srtp-prefix-bytes",
	"roc-rate",
};

static const char *const encr_algs[] = {
	[MIKEY_ENCR_NULL] = "null",
	[MIKEY_ENCR_AES_CM_128] = "aes-cm-128",
	[MIKEY_ENCR_AES_KW_128] = "aes-kw-128",
};

static const char *const mac_algs[] = {
	[MIKEY_MAC_NULL] = "null",
	[MIKEY_MAC_HMAC_SHA1_160] = "hmac-sha-1-160",
};

static const char *const key_types[] = {
	[MIKEY_KEY_TGK] = "tgk",
	[MIKEY_KEY_TGK_SALT] = "tgk+salt",
	[MIKEY_KEY_TEK] = "tek",
	[MIKEY_KEY_TEK_SALT] = "tek+salt",
};

static const char *const kvs[] = {
	[MIKEY_KV_NULL] = "null",
	[MIKEY_KV_SPI] = "spi",
	[MIKEY_KV_INTERVAL] = "interval",
};

// RFC 3830 6.12.
static const char *const errors[] = {
	[MIKEY_ERR_AUTH_FAILURE] = "authentication-failure",
	"invalid-timestamp",
	"prf-not-supported",
	"mac-algorithm-not-supported",
	"encryption-algorithm-not-supported",
	"hash-not-supported",
	"dh-group-not-supported",
	"id-not-supported",
	"certificate-not-supported",
	"sp-type-not-supported",
	"sp-parameters-not-supported",
	"data-type-not-supported",
	[MIKEY_ERR_UNSPECIFIED] = "unspecified",
};

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

const char *mikey_data_type_name(uint8_t type)
{
	return name_find(data_types, COUNT(data_types), type);
}

const char *mikey_map_type_name(uint8_t type)
{
	return name_find(map_types, COUNT(map_types), type);
}

const char *mikey_payload_name(uint8_t type)
{
	return name_find(payload_types, COUNT(payload_types), type);
}

const char *mikey_ext_type_name(uint8_t type)
{
	return name_find(ext_types, COUNT(ext_types), type);
}

const char *mikey_ts_type_name(uint8_t type)
{
	return name_find(ts_types, COUNT(ts_types), type);
}

const char *mikey_id_type_name(uint8_t type)
{
	return name_find(id_types, COUNT(id_types), type);
}

const char *mikey_sp_param_name(uint8_t type)
{
	return name_find(sp_params, COUNT(sp_params), type);
}

const char *mikey_encr_alg_name(uint8_t alg)
{
	return name_find(encr_algs, COUNT(encr_algs), alg);
}

const char *mikey_mac_alg_name(uint8_t alg)
{
	return name_find(mac_algs, COUNT(mac_algs), alg);
}

const char *mikey_key_type_name(uint8_t type)
{
	return name_find(key_types, COUNT(key_types), type);
}

const char *mikey_kv_name(uint8_t kv)
{
	return name_find(kvs, COUNT(kvs), kv);
}

const char *mikey_error_name(uint8_t error_no)
{
	return name_find(errors, COUNT(errors), error_no);
}
