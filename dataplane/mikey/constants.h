// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Every octet value that MIKEY for MBMS puts on the wire, once, with its source.
// UNSURE marks a value that no text at hand states (docs/mikey-profile.md 7): one edit here puts it
// right.

#pragma once

#define MIKEY_VERSION_1 1 // RFC 3830 6.1
#define MIKEY_PORT 2269 // IANA "mikey", RFC 4563 names UDP
#define MIKEY_PRF_HMAC_SHA1 0 // RFC 3830 6.1, MIKEY-1

// HDR data type, RFC 3830 6.1.
#define MIKEY_TYPE_PSK 0
#define MIKEY_TYPE_PSK_VERIFICATION 1
#define MIKEY_TYPE_ERROR 6

// Next payload, RFC 3830 6.1.
#define MIKEY_PAYLOAD_LAST 0
#define MIKEY_PAYLOAD_KEMAC 1
#define MIKEY_PAYLOAD_PKE 2
#define MIKEY_PAYLOAD_DH 3
#define MIKEY_PAYLOAD_SIGN 4
#define MIKEY_PAYLOAD_T 5
#define MIKEY_PAYLOAD_ID 6
#define MIKEY_PAYLOAD_CERT 7
#define MIKEY_PAYLOAD_CHASH 8
#define MIKEY_PAYLOAD_V 9
#define MIKEY_PAYLOAD_SP 10
#define MIKEY_PAYLOAD_RAND 11
#define MIKEY_PAYLOAD_ERR 12
#define MIKEY_PAYLOAD_KEY_DATA 20
#define MIKEY_PAYLOAD_EXT 21

// CS ID map type: RFC 3830 6.1.1, RFC 4563.
#define MIKEY_MAP_SRTP 0
#define MIKEY_MAP_EMPTY 1
#define MIKEY_MAP_SRTP_BYTES 9 // one entry: policy, SSRC, ROC

// T, RFC 3830 6.6.
#define MIKEY_TS_NTP_UTC 0
#define MIKEY_TS_NTP 1
#define MIKEY_TS_COUNTER 2

// ID type, RFC 3830 6.7.
#define MIKEY_ID_NAI 0
#define MIKEY_ID_URI 1
#define MIKEY_ID_BYTES 2

// KEMAC, RFC 3830 6.2.
#define MIKEY_ENCR_NULL 0
#define MIKEY_ENCR_AES_CM_128 1
#define MIKEY_ENCR_AES_KW_128 2
#define MIKEY_MAC_NULL 0
#define MIKEY_MAC_HMAC_SHA1_160 1
#define MIKEY_MAC_BYTES 20

// Key data, RFC 3830 6.13.
#define MIKEY_KEY_TGK 0
#define MIKEY_KEY_TGK_SALT 1
#define MIKEY_KEY_TEK 2 // UNSURE: the type TS 33.246 gives the MSK (TGK is accepted on receipt)
#define MIKEY_KEY_TEK_SALT 3
#define MIKEY_KV_NULL 0
#define MIKEY_KV_SPI 1
#define MIKEY_KV_INTERVAL 2
#define MIKEY_MSK_BYTES 16
#define MIKEY_MTK_BYTES 16
#define MIKEY_SALT_MAX_BYTES 16

// SP, RFC 3830 6.10.
#define MIKEY_SP_PROT_SRTP 0

// ERR, RFC 3830 6.12.
#define MIKEY_ERR_AUTH_FAILURE 0
#define MIKEY_ERR_UNSPECIFIED 12 // the last one

// General extension and Key ID information, RFC 3830 6.15, RFC 4563.
#define MIKEY_EXT_VENDOR_ID 0
#define MIKEY_EXT_SDP_IDS 1
#define MIKEY_EXT_KEY_ID 3
#define MIKEY_KEY_ID_DOMAIN 0
#define MIKEY_KEY_ID_MSK 1
#define MIKEY_KEY_ID_MTK 2

// TS 33.246 widths.
#define MIKEY_KDI_BYTES 3 // MCC and MNC
#define MIKEY_RAND_BYTES 16 // what a BM-SC sends; a receiver takes any length
#define MIKEY_MTK_ID_BYTES 2 // UNSURE: messages of CMMB carry 4, accepted on receipt
#define MIKEY_KEY_NUMBER_CURRENT 0 // "the current MSK"; the mark of a solicited pull
#define MIKEY_UICC_MAX_BYTES 253 // one AUTHENTICATE APDU (docs/mikey-profile.md 4)

// PSK-mode derivation constants, RFC 3830 4.1.4: digits of e in groups of nine.
#define MIKEY_DERIVE_ENCR 0x150533E1u
#define MIKEY_DERIVE_AUTH 0x2D22AC75u
#define MIKEY_DERIVE_SALT 0x29B88916u
#define MIKEY_DERIVE_CS_ID 0xFFu
#define MIKEY_ENCR_KEY_BYTES 16
#define MIKEY_AUTH_KEY_BYTES 20
#define MIKEY_SALT_KEY_BYTES 14
// TGK-mode constants: session keys only, never used to protect MSK or MTK messages.
#define MIKEY_DERIVE_TGK_TEK 0x2AD01C64u
#define MIKEY_DERIVE_TGK_AUTH 0x1B5C7973u
#define MIKEY_DERIVE_TGK_ENCR 0x15798CEFu
#define MIKEY_DERIVE_TGK_SALT 0x39A2C14Bu

#define MIKEY_LABEL_MAX_BYTES (4 + 1 + 4 + 255)
