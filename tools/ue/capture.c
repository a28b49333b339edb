// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Classic pcap, Ethernet, microseconds: the format everybody reads.

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <unistd.h>

#include "program.h"

#define BUFFER_BYTES (4 * 1024 * 1024) // so that writing costs a copy, not a call

struct capture {
	pcap_t *format;
	pcap_dumper_t *dumper;
	FILE *file; // owned by the dumper once there is one
	uint64_t frames_left;
	char *buffer;
};

static void capture_free(struct capture *capture)
{
	if (capture->format != NULL)
		pcap_close(capture->format);
	free(capture->buffer);
	free(capture);
}

static FILE *file_open(const char *path, char *buffer)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file;

	if (fd < 0)
		return NULL;
	file = fdopen(fd, "wb");
	if (file == NULL)
		close(fd);
	else if (buffer != NULL)
		setvbuf(file, buffer, _IOFBF, BUFFER_BYTES);
	return file;
}

int capture_open(struct capture **out, const char *path, uint64_t frames_max)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int error = ENOMEM;

	if (capture == NULL)
		return -ENOMEM;
	capture->frames_left = frames_max;
	capture->buffer = malloc(BUFFER_BYTES);
	capture->format = pcap_open_dead(DLT_EN10MB, 65535);
	errno = 0;
	capture->file = file_open(path, capture->buffer);
	if (capture->file == NULL)
		error = errno;
	else if (capture->format != NULL)
		capture->dumper = pcap_dump_fopen(capture->format, capture->file);
	if (capture->dumper == NULL) {
		if (capture->file != NULL)
			fclose(capture->file);
		capture_free(capture);
		return -error;
	}
	*out = capture;
	return 0;
}

void capture_see(
	void *arg, enum ue_direction direction, const uint8_t *data, size_t len, int64_t wall)
{
	struct capture *capture = arg;
	struct pcap_pkthdr header = {
		.ts = {wall / 1000000, wall % 1000000},
		.caplen = (bpf_u_int32)len,
		.len = (bpf_u_int32)len,
	};

	(void)direction;
	if (capture->frames_left == 0)
		return;
	capture->frames_left--;
	pcap_dump((u_char *)capture->dumper, &header, data);
}

void capture_flush(struct capture *capture)
{
	// An error stays with the file, and is told at the end.
	pcap_dump_flush(capture->dumper);
}

int capture_close(struct capture *capture)
{
	int error = 0;

	if (pcap_dump_flush(capture->dumper) != 0 || ferror(capture->file))
		error = errno != 0 ? errno : EIO;
	pcap_dump_close(capture->dumper);
	capture_free(capture);
	return -error;
}
