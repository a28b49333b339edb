// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The verbs of the control socket that have to do with HTTP.

#pragma once

#include "command.h"

json_t *ue_command_bootstrap(struct ue_site *site, json_t *args, const struct ue_now *now);
json_t *ue_command_deregister(struct ue_site *site, json_t *args, const struct ue_now *now);
json_t *ue_command_fetch(struct ue_site *site, json_t *args, const struct ue_now *now);
json_t *ue_command_join(struct ue_site *site, json_t *args, const struct ue_now *now);
json_t *ue_command_key_source(struct ue_site *site, json_t *args, const struct ue_now *now);
json_t *ue_command_miss(struct ue_site *site, json_t *args, const struct ue_now *now);
json_t *ue_command_register(struct ue_site *site, json_t *args, const struct ue_now *now);
