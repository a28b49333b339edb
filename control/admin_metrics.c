// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>

#include "admin.h"
#include "metric.h"

void admin_metrics(const struct admin_request *req, struct admin_reply *reply)
{
	reply->text = metric_text(req->ctl);
	reply->content_type = METRIC_CONTENT_TYPE;
	if (reply->text == NULL)
		admin_error_store(reply, -ENOMEM, "metrics");
}
