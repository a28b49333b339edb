// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct ran ran;
static const char *run_program;
static const char *run_script;
char run_dir[64];

static pid_t server;

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", run_dir, name);
}

bool run_arguments(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s MSKPUSH FAKE_ADMIN\n", argv[0]);
		return false;
	}
	run_program = argv[1];
	run_script = argv[2];
	return true;
}

int run_begin(void **state)
{
	char socket[96], log[96], answer[8] = "";
	int ready[2];

	(void)state;
	strcpy(run_dir, "/tmp/mskpush-cli-XXXXXX");
	if (mkdtemp(run_dir) == NULL || pipe(ready) != 0)
		return -1;
	path_of(socket, sizeof(socket), "admin.sock");
	path_of(log, sizeof(log), "log");
	server = fork();
	if (server == 0) {
		dup2(ready[1], STDOUT_FILENO);
		execl("/usr/bin/python3", "python3", run_script, socket, log, NULL);
		_exit(127);
	}
	close(ready[1]);
	if (read(ready[0], answer, sizeof(answer)) < 5)
		return -1;
	close(ready[0]);
	setenv("MSKPUSH_SOCKET", socket, 1);
	setenv("MSKPUSH", run_program, 1);
	return 0;
}

int run_end(void **state)
{
	char command[128];

	(void)state;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", run_dir);
	return system(command);
}

static void text_read(const char *name, char *text, size_t size)
{
	char path[96];
	FILE *file;

	path_of(path, sizeof(path), name);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static pid_t shell_start(const char *arguments)
{
	char command[2048];
	pid_t pid;

	snprintf(command, sizeof(command), "exec >%s/out 2>%s/err; exec \"$MSKPUSH\" %s", run_dir,
		run_dir, arguments);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static void shell_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	text_read("out", ran.out, sizeof(ran.out));
	text_read("err", ran.err, sizeof(ran.err));
}

void run(const char *arguments)
{
	shell_end(shell_start(arguments));
}

void run_interrupted(const char *arguments, unsigned after_ms)
{
	const struct timespec t = {after_ms / 1000, (long)(after_ms % 1000) * 1000000};
	pid_t pid = shell_start(arguments);

	nanosleep(&t, NULL);
	kill(pid, SIGINT);
	shell_end(pid);
}

void expect_string_in_log(const char *call, const char *part)
{
	static char log[1 << 20];
	char start[256];
	const char *found = NULL, *end;

	snprintf(start, sizeof(start), "{\"call\": \"%s", call);
	text_read("log", log, sizeof(log));
	for (const char *at = strstr(log, start); at != NULL; at = strstr(at + 1, start))
		found = at;
	if (found == NULL)
		fail_msg("there was no call %s", call);
	end = strchr(found, '\n');
	if (memmem(found, (size_t)(end - found), part, strlen(part)) == NULL)
		fail_msg("\"%s\" is not in: %.*s", part, (int)(end - found), found);
}

void file_write(const char *name, const char *text)
{
	char path[96];
	FILE *file;

	path_of(path, sizeof(path), name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void file_fill(const char *name, size_t bytes)
{
	char path[96];
	FILE *file;

	path_of(path, sizeof(path), name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < bytes; i += 64)
		fprintf(file, "%063zu\n", i);
	fclose(file);
}

void expect_code(int code, const char *arguments)
{
	run(arguments);
	if (ran.code != code)
		fail_msg("mskpush %s: exit %d, not %d; stderr: %s", arguments, ran.code, code,
			ran.err);
}

void expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, text);
}

void expect_pair(const char *name, const char *value)
{
	const char *at = ran.out;

	while ((at = strstr(at, name)) != NULL) {
		const char *rest = at + strlen(name);

		rest += strspn(rest, " ");
		if ((at == ran.out || at[-1] == '\n') && strncmp(rest, value, strlen(value)) == 0 &&
			rest[strlen(value)] == '\n')
			return;
		at++;
	}
	fail_msg("no \"%s %s\" in: %s", name, value, ran.out);
}

void expect_error(int code, const char *arguments, const char *part)
{
	char with_json[1024];

	expect_code(code, arguments);
	expect_in(ran.err, part);
	assert_memory_equal(ran.err, "mskpush: ", 9);
	assert_ptr_equal(strchr(ran.err, '\n'), ran.err + strlen(ran.err) - 1);
	assert_string_equal(ran.out, "");
	snprintf(with_json, sizeof(with_json), "%s --json", arguments);
	expect_code(code, with_json);
	expect_in(ran.out, "\"error\": \"");
	expect_in(ran.out, "\"message\": \"");
}
