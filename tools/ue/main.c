// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "csv.h"
#include "gba.h"
#include "program.h"
#include "state.h"

#define STREAM_BUFFER_BYTES (1024 * 1024)

static struct program program; // for the signal handler

static void stop_request(int signal_number)
{
	(void)signal_number;
	atomic_store(&program.stop_requested, true);
}

static int64_t clock_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct ue_now ue_now(void)
{
	return (struct ue_now){clock_us(CLOCK_REALTIME), clock_us(CLOCK_MONOTONIC)};
}

void program_begin(struct program *owner)
{
	struct ue_now now = ue_now();

	ue_habits_begin(owner->site, &owner->options.habits, &now);
	http_begin(owner->http);
}

void program_pause(struct program *owner, unsigned us)
{
	for (unsigned slept = 0; slept < us; slept += 1000) {
		struct ue_now now;

		turn_offer(&owner->turn);
		now = ue_now();
		http_turn(owner->http, &now);
		http_wait(owner->http, 1000);
	}
}

// Files with keys in them are for their owner alone, also when they were there before.
static FILE *secret_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = NULL;

	if (fd >= 0 && fchmod(fd, 0600) == 0)
		file = fdopen(fd, "w");
	if (file != NULL)
		setvbuf(file, NULL, _IOFBF, STREAM_BUFFER_BYTES);
	else if (fd >= 0)
		close(fd);
	return file;
}

// Says that a file could not be written; status 1 for the program.
static int file_fail(const char *path, int error)
{
	fprintf(stderr, "mskpush-ue: %s: %s\n", path, strerror(error));
	return 1;
}

static int generate_run(struct ue_options *options)
{
	const char *path = options->out != NULL ? options->out : "standard output";
	FILE *file = options->out != NULL ? secret_open(options->out) : stdout;
	char why[UE_WHY_BYTES];
	int rc;

	if (file == NULL)
		return file_fail(path, errno);
	options->generate.now = time(NULL);
	rc = ue_generate(&options->generate, file, why);
	if (file != stdout && fclose(file) != 0 && rc == 0)
		return file_fail(path, errno);
	if (rc == -EINVAL) {
		fprintf(stderr, "mskpush-ue: %s\n", why);
		return 2;
	}
	return rc != 0 ? file_fail(path, -rc) : 0;
}

static bool keys_are_kept(void)
{
	return strcmp(program.options.power_down, "keep") == 0;
}

// Phones are switched on: they find what they kept. Exit status 0 or 1.
static int state_load(struct ue_phones *phones)
{
	const struct ue_options *options = &program.options;
	const struct ue_state_conf conf = {.dir = options->state,
		.btid_bytes = strlen(options->generate.bsf) + UE_BTID_HEAD_BYTES + 1};
	char why[UE_WHY_BYTES];
	bool has_keys = false;
	int rc = ue_state_open(&program.state, &conf, phones, why);

	if (rc != 0) {
		fprintf(stderr, "mskpush-ue: %s\n", why);
		return 1;
	}
	program.site->receiver.state = program.state;
	rc = keys_are_kept() ? ue_state_keys_load(options->state, phones, &has_keys)
			     : ue_state_keys_drop(options->state);
	if (rc != 0 && rc != -EBADMSG)
		return file_fail(options->state, -rc);
	fprintf(stderr,
		"mskpush-ue: %u phones found their last MUK, %u another UICC; other keys: %s\n",
		ue_state_found(program.state).recalled, ue_state_found(program.state).changed,
		rc != 0		   ? "damaged"
			: has_keys ? "kept"
				   : "none");
	return 0;
}

// Phones are switched off. Exit status 0 or 1.
static int state_end(void)
{
	const char *dir = program.options.state;
	int rc, status = 0;

	if (program.state == NULL)
		return 0;
	rc = keys_are_kept() ? ue_state_keys_save(dir, ue_site_phones(program.site)) : 0;
	if (rc != 0)
		status = file_fail(dir, -rc);
	rc = ue_state_close(program.state);
	program.state = NULL;
	program.site->receiver.state = NULL;
	return rc != 0 ? file_fail(dir, -rc) : status;
}

// Makes the site of the phones in the CSV; exit status 0, 1 or 2.
static int site_load(void)
{
	const struct ue_options *options = &program.options;
	char why[UE_WHY_BYTES];
	struct ue_now begin = ue_now();
	int rc;

	if (ue_site_create(&program.site, &options->site) != 0)
		return file_fail(options->phones, ENOMEM);
	rc = ue_csv_load_file(ue_site_phones(program.site), options->phones, why);
	if (rc != 0) {
		fprintf(stderr, "mskpush-ue: %s: %s\n", options->phones, why);
		return rc == -ENOMEM ? 1 : 2;
	}
	fprintf(stderr, "mskpush-ue: %u phones in %.2f s\n",
		ue_site_phones(program.site)->phone_count,
		(double)(ue_now().mono - begin.mono) / 1e6);
	if (options->mtk != NULL)
		program.site->mtk.group_count =
			ue_mtk_groups_parse(program.site->mtk.groups, options->mtk);
	program.site->mtk.has_no_rand = strcmp(options->mtk_rand, "none") == 0;
	ue_habits_draw(program.site, &options->habits);
	if (options->record != NULL) {
		rc = ue_record_open(&program.record, options->record);
		if (rc != 0)
			return file_fail(options->record, -rc);
		program.site->record = program.record;
	}
	return options->state != NULL ? state_load(ue_site_phones(program.site)) : 0;
}

static int report_write(const char *path)
{
	struct ue_now now = ue_now();
	json_t *report = ue_report_final(program.site, &now);
	FILE *file = secret_open(path);
	int error = 0;

	if (file == NULL)
		error = errno;
	else if (report == NULL || json_dumpf(report, file, JSON_INDENT(2)) != 0 ||
		fputc('\n', file) == EOF)
		error = EIO;
	if (file != NULL && fclose(file) != 0 && error == 0)
		error = errno;
	json_decref(report);
	return error != 0 ? file_fail(path, error) : 0;
}

static int csv_write(const char *path)
{
	FILE *file = secret_open(path);
	int rc;

	if (file == NULL)
		return file_fail(path, errno);
	rc = ue_csv_write(ue_site_phones(program.site), file);
	if (fclose(file) != 0 && rc == 0)
		rc = -errno;
	return rc != 0 ? file_fail(path, -rc) : 0;
}

static int results_write(void)
{
	const struct ue_options *options = &program.options;
	int status = 0, rc;

	ue_report_table(program.site, stderr);
	if (options->report != NULL)
		status |= report_write(options->report);
	if (options->csv_out != NULL)
		status |= csv_write(options->csv_out);
	rc = program.capture != NULL ? capture_close(program.capture) : 0;
	if (rc != 0)
		status |= file_fail(options->pcap, -rc);
	return status;
}

// What has to be there before the port loop begins; exit status 0 or 1.
static int services_start(struct control **control)
{
	const struct ue_options *options = &program.options;
	char why[HTTP_WHY_BYTES];
	int rc = 0;

	if (options->pcap != NULL) {
		rc = capture_open(&program.capture, options->pcap, options->pcap_frames);
		if (rc != 0)
			return file_fail(options->pcap, -rc);
		ue_site_tap(program.site, capture_see, program.capture);
	}
	if (http_start(&program.http, &program, why) != 0) {
		fprintf(stderr, "mskpush-ue: %s\n", why);
		return 1;
	}
	if (options->control != NULL)
		rc = control_start(control, &program);
	return rc != 0 ? file_fail(options->control, -rc) : 0;
}

static int ports_run(void)
{
	return strcmp(program.options.port, UE_PORT_KERNEL) == 0 ? kernel_run(&program)
								 : loop_run(&program);
}

// From here to the end this thread has the turn, except when the loop gives it away.
static int phones_run(void)
{
	struct control *control = NULL;
	int status = services_start(&control);

	if (status == 0) {
		status = ports_run();
		pthread_mutex_unlock(&program.turn.lock);
		control_stop(control);
		status |= results_write();
	} else if (program.capture != NULL) {
		capture_close(program.capture);
	}
	http_stop(program.http);
	return status;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop_request};
	int status;

	ue_options_parse(&program.options, argc, argv);
	if (program.options.generate.count > 0)
		return generate_run(&program.options);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	// DPDK writes to the socket of a peer that may be gone.
	signal(SIGPIPE, SIG_IGN);
	turn_init(&program.turn);
	pthread_mutex_lock(&program.turn.lock);
	status = site_load();
	if (status == 0)
		status = phones_run();
	status |= state_end();
	ue_record_close(program.record);
	ue_site_destroy(program.site);
	return status;
}
