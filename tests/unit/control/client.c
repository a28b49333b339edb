// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct client client;

int client_up(void **state)
{
	char why[256];
	int ret = site_up(state);

	client.site = *state;
	snprintf(client.path, sizeof(client.path), "%s/run/admin.sock", client.site->dir);
	snprintf(client.site->conf.socket, sizeof(client.site->conf.socket), "%s", client.path);
	return ret != 0 ? ret : admin_http_start(&client.site->ctl, why);
}

int client_down(void **state)
{
	admin_http_stop(client.site->ctl.admin);
	json_decref(client.body);
	client.body = NULL;
	return site_down(state);
}

int client_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", client.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void client_write(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		data += n;
		len -= (size_t)n;
	}
}

static char *client_read(int fd)
{
	char *text = calloc(1, 1 << 20);
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, text + at, (1 << 20) - 1 - at)) > 0)
		at += (size_t)n;
	return text;
}

unsigned call_body(const char *line, const char *body, size_t len, bool has_body)
{
	char head[2048];
	char *answer, *text;
	int fd = client_connect();

	snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", line);
	client_write(fd, head, strlen(head));
	snprintf(head, sizeof(head), "Content-Length: %zu\r\n", len);
	if (has_body)
		client_write(fd, head, strlen(head));
	client_write(fd, "\r\n", 2);
	client_write(fd, body, len);
	answer = client_read(fd);
	close(fd);
	assert_int_equal(sscanf(answer, "HTTP/1.1 %u", &client.status), 1);
	text = strstr(answer, "\r\n\r\n");
	assert_non_null(text);
	json_decref(client.body);
	client.body = json_loads(text + 4, 0, NULL);
	assert_non_null(client.body);
	free(answer);
	return client.status;
}

unsigned call(const char *line, const char *body)
{
	return call_body(
		line, body == NULL ? "" : body, body == NULL ? 0 : strlen(body), body != NULL);
}

const char *text(const char *name)
{
	return json_string_value(json_object_get(client.body, name));
}

json_int_t number(const char *name)
{
	return json_integer_value(json_object_get(client.body, name));
}

void expect_error(const char *line, const char *body, unsigned status, const char *word)
{
	assert_int_equal(call(line, body), status);
	assert_string_equal(text("error"), word);
	assert_true(strlen(text("message")) > 10);
}
