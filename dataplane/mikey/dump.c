// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Prints messages for people: offset, payload, content. What came before an error is still shown.

#include <stdarg.h>
#include <stdio.h>

#include "names.h"
#include "walk.h"

#define HEX_MAX_BYTES 64 // longer fields are cut, with a note
#define TEXT_MAX_BYTES 256 // longer identities are shown in hex

struct dump {
	char line[512];
	size_t len;
	void (*put)(void *arg, const char *line);
	void *arg;
	uint8_t data_type;
	unsigned identities;
};

__attribute__((format(printf, 2, 3))) static void add(struct dump *d, const char *format, ...)
{
	size_t room = sizeof(d->line) - d->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(d->line + d->len, room, format, ap);
	va_end(ap);
	if (n > 0)
		d->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void line_begin(struct dump *d, unsigned off, const char *name)
{
	d->len = 0;
	add(d, "%5u  %-6s", off, name);
}

static void line_end(struct dump *d)
{
	if (d->len == sizeof(d->line) - 1)
		memcpy(d->line + d->len - 3, "...", 3);
	d->put(d->arg, d->line);
	d->len = 0;
}

static void add_hex(struct dump *d, struct mikey_bytes bytes)
{
	uint16_t shown = bytes.len < HEX_MAX_BYTES ? bytes.len : HEX_MAX_BYTES;

	for (uint16_t i = 0; i < shown; i++)
		add(d, "%02x", bytes.data[i]);
	if (shown < bytes.len)
		add(d, "... (%u octets)", bytes.len);
}

static bool is_printable(struct mikey_bytes bytes)
{
	for (uint16_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
			return false;
	return bytes.len > 0 && bytes.len <= TEXT_MAX_BYTES;
}

static void hdr_dump(struct dump *d, const struct mikey_view *view, uint8_t next)
{
	line_begin(d, 0, "HDR");
	add(d, "%s, V %u, CSB ID %08x, %u crypto sessions, map %s, next %s",
		mikey_data_type_name(view->data_type), view->wants_verification, view->csb_id,
		view->cs_count, mikey_map_type_name(view->map_type), mikey_payload_name(next));
	line_end(d);
}

static void map_dump(struct dump *d, struct mikey_bytes map)
{
	struct reader rd = rd_over(map);

	while (rd.status == MIKEY_OK && rd_left(&rd) > 0) {
		uint8_t policy = rd_u8(&rd, MIKEY_MAP_TRUNCATED);
		uint32_t ssrc = rd_u32be(&rd, MIKEY_MAP_TRUNCATED);
		uint32_t roc = rd_u32be(&rd, MIKEY_MAP_TRUNCATED);

		line_begin(d, (unsigned)(10 + rd.pos - MIKEY_MAP_SRTP_BYTES), "CS");
		add(d, "policy %u, SSRC %08x, ROC %u", policy, ssrc, roc);
		line_end(d);
	}
}

static void key_id_dump(struct dump *d, struct tlv key_id)
{
	char domain[8];

	switch (key_id.type) {
	case MIKEY_KEY_ID_DOMAIN:
		add(d, ", domain ");
		break;
	case MIKEY_KEY_ID_MSK:
		add(d, ", MSK ID ");
		break;
	case MIKEY_KEY_ID_MTK:
		add(d, ", MTK ID ");
		break;
	default:
		add(d, ", type %u ", key_id.type);
		break;
	}
	add_hex(d, key_id.value);
	if (key_id.type != MIKEY_KEY_ID_DOMAIN || key_id.value.len != MIKEY_KDI_BYTES)
		return;
	mikey_kdi_to_text(domain, key_id.value.data);
	add(d, " (%s)", domain);
}

static void ext_dump(struct dump *d, const struct payload *p)
{
	struct reader rd = rd_over(p->data);

	add(d, "%s (%u), %u octets", mikey_ext_type_name(p->code), p->code, p->data.len);
	if (p->code != MIKEY_EXT_KEY_ID) {
		add(d, " ");
		add_hex(d, p->data);
		return;
	}
	while (rd_left(&rd) > 0) {
		struct tlv key_id = rd_tlv(&rd, MIKEY_KEY_ID_TRUNCATED, MIKEY_KEY_ID_LENGTH);

		if (rd.status != MIKEY_OK)
			return;
		key_id_dump(d, key_id);
	}
}

static void t_dump(struct dump *d, const struct payload *p)
{
	add(d, "%s ", mikey_ts_type_name(p->code));
	if (p->code == MIKEY_TS_COUNTER)
		add(d, "%u", be32_get(p->data.data));
	else
		add_hex(d, p->data);
}

// RFC 3830 6.7: the position tells whose identity it is; a verification has IDr alone.
static const char *identity_name(struct dump *d)
{
	unsigned position = d->identities++;

	if (d->data_type == MIKEY_TYPE_PSK)
		return position == 0 ? "IDi" : "IDr";
	return d->data_type == MIKEY_TYPE_PSK_VERIFICATION ? "IDr" : "ID";
}

static void id_dump(struct dump *d, const struct payload *p)
{
	add(d, "%s, %s, %u octets ", identity_name(d), mikey_id_type_name(p->code), p->data.len);
	if (is_printable(p->data))
		add(d, "\"%.*s\"", (int)p->data.len, (const char *)p->data.data);
	else
		add_hex(d, p->data);
}

static void sp_dump(struct dump *d, const struct payload *p)
{
	struct reader rd = rd_over(p->data);

	add(d, "policy %u, srtp, %u octets", p->policy, p->data.len);
	while (rd_left(&rd) > 0) {
		struct tlv param = rd_tlv(&rd, MIKEY_SP_PARAM_TRUNCATED, MIKEY_SP_PARAM_LENGTH);

		if (rd.status != MIKEY_OK)
			return;
		add(d, ", %s (%u) ", mikey_sp_param_name(param.type), param.type);
		add_hex(d, param.value);
	}
}

static void mac_dump(struct dump *d, const struct payload *p, const uint8_t *message)
{
	add(d, "%s ", mikey_mac_alg_name(p->mac_alg));
	add_hex(d, (struct mikey_bytes){message + p->mac.off, p->mac.len});
}

static void kemac_dump(struct dump *d, const struct payload *p, const uint8_t *message)
{
	add(d, "%s, %u octets ", mikey_encr_alg_name(p->code), p->data.len);
	add_hex(d, p->data);
	add(d, ", ");
	mac_dump(d, p, message);
}

static void key_data_dump(struct dump *d, unsigned off, struct mikey_bytes data)
{
	struct mikey_key_data kd;
	enum mikey_status status = mikey_key_data_parse(data.data, data.len, &kd);

	line_begin(d, off, "key");
	if (status != MIKEY_OK) {
		add(d, "%s: %s", mikey_status_name(status), mikey_status_text(status));
		line_end(d);
		return;
	}
	add(d, "%s ", mikey_key_type_name(kd.type));
	add_hex(d, kd.key);
	if (kd.salt.len > 0)
		add(d, ", salt ");
	add_hex(d, kd.salt);
	add(d, ", validity %s ", mikey_kv_name(kd.kv));
	add_hex(d, kd.spi);
	add_hex(d, kd.valid_from);
	add(d, "%s", kd.kv == MIKEY_KV_INTERVAL ? " to " : "");
	add_hex(d, kd.valid_to);
	line_end(d);
	explicit_bzero(&kd, sizeof(kd));
}

static void payload_dump(struct dump *d, const struct payload *p, const uint8_t *message)
{
	line_begin(d, p->span.off, mikey_payload_name(p->type));
	switch (p->type) {
	case MIKEY_PAYLOAD_EXT:
		ext_dump(d, p);
		break;
	case MIKEY_PAYLOAD_T:
		t_dump(d, p);
		break;
	case MIKEY_PAYLOAD_RAND:
		add_hex(d, p->data);
		break;
	case MIKEY_PAYLOAD_ID:
		id_dump(d, p);
		break;
	case MIKEY_PAYLOAD_SP:
		sp_dump(d, p);
		break;
	case MIKEY_PAYLOAD_KEMAC:
		kemac_dump(d, p, message);
		break;
	case MIKEY_PAYLOAD_V:
		mac_dump(d, p, message);
		break;
	default:
		add(d, "%s (%u)", mikey_error_name(p->code), p->code);
		break;
	}
	line_end(d);
	if (p->type == MIKEY_PAYLOAD_KEMAC && p->code == MIKEY_ENCR_NULL && p->data.len > 0)
		key_data_dump(d, p->span.off + 4, p->data);
}

static void verdict_dump(struct dump *d, const uint8_t *data, size_t len)
{
	struct mikey_view view;
	enum mikey_status status = mikey_parse(data, len, &view);

	line_begin(d, (unsigned)len, "end");
	if (status == MIKEY_OK)
		add(d, "%s message", mikey_kind_name(mikey_view_kind(&view)));
	else
		add(d, "%s: %s", mikey_status_name(status), mikey_status_text(status));
	line_end(d);
}

void mikey_dump(
	const uint8_t *data, size_t len, void (*put)(void *arg, const char *line), void *arg)
{
	struct dump d = {.put = put, .arg = arg};
	struct mikey_view view = {0};
	struct payload payload;
	struct walk walk;

	if (walk_begin(&walk, data, len, &view) == MIKEY_OK) {
		d.data_type = view.data_type;
		hdr_dump(&d, &view, walk.next);
		map_dump(&d, view.cs_map);
		while (walk_next(&walk, &payload))
			payload_dump(&d, &payload, data);
	}
	verdict_dump(&d, data, len);
	explicit_bzero(&d, sizeof(d));
}
