// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One thread serves all connections of the control socket: lines in, lines out.

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "program.h"

#define CLIENTS_MAX 16
#define LINE_MAX_BYTES 65536
#define POLL_MS 200 // how soon a stop is seen
#define SEND_TIMEOUT_S 5

struct client {
	int fd; // -1: free
	size_t len;
	char *line; // LINE_MAX_BYTES
};

struct control {
	struct program *program;
	pthread_t thread;
	int fd;
	atomic_bool is_ending;
	struct client clients[CLIENTS_MAX];
};

static void client_close(struct client *client)
{
	close(client->fd);
	free(client->line);
	*client = (struct client){.fd = -1};
}

static bool text_send(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool answer_send(int fd, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	bool is_sent = text != NULL && text_send(fd, text, strlen(text)) && text_send(fd, "\n", 1);

	free(text);
	json_decref(answer);
	return is_sent;
}

// What the site does not know about the program around it.
static void answer_complete(struct program *program, json_t *answer)
{
	if (json_object_get(answer, "with_msk") == NULL)
		return;
	json_object_set_new(answer, "port",
		json_string(atomic_load(&program->port_state) == PORT_UP ? "up" : "waiting"));
	json_object_set_new(answer, "attachments",
		json_integer((json_int_t)atomic_load(&program->attachments)));
}

static bool line_serve(struct control *control, int fd, const char *line, size_t len)
{
	struct program *program = control->program;
	struct ue_now now = ue_now();
	bool stop = false, is_sent;
	json_t *answer;

	turn_take(&program->turn);
	answer = ue_command(program->site, line, len, &now, &stop);
	turn_give(&program->turn);
	answer_complete(program, answer);
	is_sent = answer_send(fd, answer);
	if (stop)
		atomic_store(&program->stop_requested, true);
	return is_sent;
}

// Serves the whole lines a client has sent; keeps the rest.
static bool lines_serve(struct control *control, struct client *client)
{
	char *at = client->line, *end = client->line + client->len, *stop;

	while ((stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (stop > at && !line_serve(control, client->fd, at, (size_t)(stop - at)))
			return false;
		at = stop + 1;
	}
	client->len = (size_t)(end - at);
	memmove(client->line, at, client->len);
	if (client->len < LINE_MAX_BYTES)
		return true;
	answer_send(client->fd, ue_command_error("a line of over 65536 octets"));
	return false;
}

static void client_serve(struct control *control, struct client *client)
{
	ssize_t n = recv(
		client->fd, client->line + client->len, LINE_MAX_BYTES - client->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		client->len += (size_t)n;
		if (lines_serve(control, client))
			return;
	} else if (n == 0 && client->len > 0) {
		// The last line may lack its end.
		line_serve(control, client->fd, client->line, client->len);
	}
	client_close(client);
}

static void client_accept(struct control *control)
{
	const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0)
			continue;
		client->line = malloc(LINE_MAX_BYTES);
		if (client->line == NULL)
			break;
		client->fd = fd;
		client->len = 0;
		return;
	}
	answer_send(fd, ue_command_error("too many connections"));
	close(fd);
}

static void *control_main(void *arg)
{
	struct control *control = arg;
	struct pollfd wait[CLIENTS_MAX + 1];

	while (!atomic_load(&control->is_ending)) {
		for (int i = 0; i < CLIENTS_MAX; i++)
			wait[i] = (struct pollfd){control->clients[i].fd, POLLIN, 0};
		wait[CLIENTS_MAX] = (struct pollfd){control->fd, POLLIN, 0};
		if (poll(wait, CLIENTS_MAX + 1, POLL_MS) <= 0)
			continue;
		for (int i = 0; i < CLIENTS_MAX; i++)
			if (wait[i].revents != 0)
				client_serve(control, &control->clients[i]);
		if (wait[CLIENTS_MAX].revents != 0)
			client_accept(control);
	}
	return NULL;
}

int control_start(struct control **out, struct program *program)
{
	struct control *control = calloc(1, sizeof(*control));
	int error;

	if (control == NULL)
		return -ENOMEM;
	control->program = program;
	for (int i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	control->fd = socket_listen(program->options.control);
	error = -control->fd;
	if (control->fd >= 0) {
		error = pthread_create(&control->thread, NULL, control_main, control);
		if (error == 0) {
			*out = control;
			return 0;
		}
		close(control->fd);
		unlink(program->options.control);
	}
	free(control);
	return -error;
}

void control_stop(struct control *control)
{
	if (control == NULL)
		return;
	atomic_store(&control->is_ending, true);
	// The thread may be waiting for the turn, which the loop has left for good.
	pthread_join(control->thread, NULL);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			client_close(&control->clients[i]);
	close(control->fd);
	unlink(control->program->options.control);
	free(control);
}
