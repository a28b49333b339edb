// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the port sends and receives, as pcapng, while the client listens.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "dp.h"
#include "log.h"
#include "subscriber_json.h"

#define END_NAPS 100

static void capture_end(struct ctl *ctl)
{
	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		dp_capture_stop(ctl->dp);
	pthread_mutex_unlock(&ctl->dp_lock);
	log_info("capture-ended", "by=client");
}

// The address of the phone that the request names. Negative: the reply says why not.
static int phone_address(
	const struct admin_request *req, struct admin_reply *reply, struct dp_addr *address)
{
	const char *name = req->query_get(req->query, "ue");
	const struct store_hot *hot;
	struct store_reader *r;
	store_id id;
	int ret;

	if (name == NULL)
		return 0;
	ret = ctl_reader_get(req->ctl, &r);
	if (ret != 0) {
		admin_error_store(reply, ret, "capture");
		return ret;
	}
	id = subscriber_find(r, name);
	hot = id == STORE_ID_NONE ? NULL : store_reader_hot(r, id);
	if (hot != NULL)
		memcpy(address->byte, hot->addr.byte, sizeof(address->byte));
	ctl_reader_put(req->ctl, r);
	if (hot == NULL)
		admin_error(reply, 404, "no-subscriber", "There is no subscriber %.128s.", name);
	else if (dp_addr_is_none(address))
		admin_error(reply, 409, "no-address", "Subscriber %.128s has no address.", name);
	return hot == NULL || dp_addr_is_none(address) ? -ENOENT : 0;
}

// -EBUSY: one runs already; -ENODEV: there is no dataplane.
static int capture_try(struct ctl *ctl, const struct dp_capture *capture)
{
	int ret = -ENODEV;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		ret = dp_capture_start(ctl->dp, capture);
	pthread_mutex_unlock(&ctl->dp_lock);
	return ret;
}

// One whose client has just gone may still be ending: it gets a moment for that.
static int capture_begin(struct ctl *ctl, const struct dp_capture *capture)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	int ret = capture_try(ctl, capture);

	for (int naps = 0; ret == -EBUSY && naps < END_NAPS; naps++) {
		nanosleep(&nap, NULL);
		ret = capture_try(ctl, capture);
	}
	return ret;
}

void admin_capture(const struct admin_request *req, struct admin_reply *reply)
{
	struct dp_capture capture = {0};
	int pipe_fd[2], ret;

	if (admin_query_u64(req, reply, "count", INT64_MAX, &capture.count) < 0 ||
		phone_address(req, reply, &capture.address) < 0)
		return;
	if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
		admin_error_store(reply, -errno, "capture");
		return;
	}
	capture.fd = pipe_fd[1];
	ret = capture_begin(req->ctl, &capture);
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
	log_info("capture-started", "count=%lu", (unsigned long)capture.count);
	reply->fd = pipe_fd[0];
	reply->content_type = "application/x-pcapng";
	reply->done = capture_end;
}
