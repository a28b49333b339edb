// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What there is to call, and what the caller may.

#include "admin.h"
#include "admin_routes.h"

static json_t *roles_json(unsigned roles)
{
	json_t *list = json_array();

	for (unsigned role = ADMIN_METRICS; role <= ADMIN_KEYS; role <<= 1)
		if (roles & role)
			json_array_append_new(list, json_string(admin_role_name(role)));
	return list;
}

void admin_api(const struct admin_request *req, struct admin_reply *reply)
{
	json_t *calls = json_array();

	for (size_t i = 0; i < admin_routes_count; i++) {
		const struct admin_route *route = &admin_routes[i];

		json_array_append_new(calls,
			json_pack("{s:s, s:s, s:s, s:s, s:b}", "method", route->method, "path",
				route->path, "role", admin_role_name(route->role), "text",
				route->text, "is_allowed", (req->peer->roles & route->role) != 0));
	}
	reply->body = json_pack("{s:s, s:s, s:s, s:o, s:o}", "api", ADMIN_API_VERSION, "version",
		MSKPUSH_VERSION, "who", req->peer->name, "roles", roles_json(req->peer->roles),
		"calls", calls);
}
