// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key data, the plaintext of KEMAC: RFC 3830 6.13 and 6.14. The salt stands before the validity.

#include "cursor.h"

static void next_read(struct reader *rd)
{
	uint8_t next = rd_u8(rd, MIKEY_KEY_DATA_TRUNCATED);

	if (next == MIKEY_PAYLOAD_KEY_DATA)
		rd_fail(rd, MIKEY_KEY_DATA_MORE);
	else if (next != MIKEY_PAYLOAD_LAST)
		rd_fail(rd, MIKEY_KEY_DATA_NEXT);
}

static void key_read(struct reader *rd, struct mikey_key_data *kd)
{
	uint8_t octet = rd_u8(rd, MIKEY_KEY_DATA_TRUNCATED);
	uint16_t len;

	kd->type = octet >> 4;
	kd->kv = octet & 0xf;
	if (kd->type > MIKEY_KEY_TEK_SALT)
		rd_fail(rd, MIKEY_KEY_DATA_TYPE);
	if (kd->kv > MIKEY_KV_INTERVAL)
		rd_fail(rd, MIKEY_KEY_DATA_KV);
	len = rd_u16be(rd, MIKEY_KEY_DATA_TRUNCATED);
	if (len == 0)
		rd_fail(rd, MIKEY_KEY_DATA_KEY_EMPTY);
	kd->key = rd_bytes(rd, len, MIKEY_KEY_DATA_KEY_LENGTH);
}

static void salt_read(struct reader *rd, struct mikey_key_data *kd)
{
	uint16_t len = rd_u16be(rd, MIKEY_KEY_DATA_SALT_LENGTH);

	if (len == 0)
		rd_fail(rd, MIKEY_KEY_DATA_SALT_EMPTY);
	kd->salt = rd_bytes(rd, len, MIKEY_KEY_DATA_SALT_LENGTH);
}

static void spi_read(struct reader *rd, struct mikey_key_data *kd)
{
	uint8_t len = rd_u8(rd, MIKEY_KEY_DATA_SPI_LENGTH);

	if (len == 0)
		rd_fail(rd, MIKEY_KEY_DATA_SPI_EMPTY);
	kd->spi = rd_bytes(rd, len, MIKEY_KEY_DATA_SPI_LENGTH);
}

static void interval_read(struct reader *rd, struct mikey_key_data *kd)
{
	uint8_t len = rd_u8(rd, MIKEY_KEY_DATA_INTERVAL_LENGTH);

	kd->valid_from = rd_bytes(rd, len, MIKEY_KEY_DATA_INTERVAL_LENGTH);
	len = rd_u8(rd, MIKEY_KEY_DATA_INTERVAL_LENGTH);
	kd->valid_to = rd_bytes(rd, len, MIKEY_KEY_DATA_INTERVAL_LENGTH);
	if (len == 0 || kd->valid_from.len != len)
		rd_fail(rd, MIKEY_KEY_DATA_INTERVAL_WIDTH);
}

enum mikey_status mikey_key_data_parse(
	const uint8_t *data, size_t len, struct mikey_key_data *key_data)
{
	struct reader rd = {.data = data, .len = len};

	*key_data = (struct mikey_key_data){0};
	next_read(&rd);
	key_read(&rd, key_data);
	if (key_data->type == MIKEY_KEY_TGK_SALT || key_data->type == MIKEY_KEY_TEK_SALT)
		salt_read(&rd, key_data);
	if (key_data->kv == MIKEY_KV_SPI)
		spi_read(&rd, key_data);
	else if (key_data->kv == MIKEY_KV_INTERVAL)
		interval_read(&rd, key_data);
	if (rd.status == MIKEY_OK && rd_left(&rd) > 0)
		rd_fail(&rd, MIKEY_KEY_DATA_TRAILING);
	return rd.status;
}
