// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the port sends and receives, as pcapng, while the client listens.

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "admin.h"
#include "dp.h"
#include "log.h"

static void capture_end(struct ctl *ctl)
{
	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		dp_capture_stop(ctl->dp);
	pthread_mutex_unlock(&ctl->dp_lock);
	log_info("capture-ended", "by=client");
}

// -EBUSY: one runs already; -ENODEV: there is no dataplane.
static int capture_begin(struct ctl *ctl, int fd, uint64_t count)
{
	int ret = -ENODEV;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		ret = dp_capture_start(ctl->dp, fd, count);
	pthread_mutex_unlock(&ctl->dp_lock);
	return ret;
}

void admin_capture(const struct admin_request *req, struct admin_reply *reply)
{
	uint64_t count = 0;
	int pipe_fd[2], ret;

	if (admin_query_u64(req, reply, "count", INT64_MAX, &count) < 0)
		return;
	if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
		admin_error_store(reply, -errno, "capture");
		return;
	}
	ret = capture_begin(req->ctl, pipe_fd[1], count);
	if (ret != 0) {
		close(pipe_fd[0]);
		// Only a capture that was tried has taken the other end.
		if (ret == -EBUSY || ret == -ENODEV)
			close(pipe_fd[1]);
		if (ret == -EBUSY)
			admin_error(reply, 409, "capture-running", "A capture runs already.");
		else
			admin_error_store(reply, ret, "capture");
		return;
	}
	log_info("capture-started", "count=%lu", (unsigned long)count);
	reply->fd = pipe_fd[0];
	reply->content_type = "application/x-pcapng";
	reply->done = capture_end;
}
