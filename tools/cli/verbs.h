// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The functions behind the table in verbs.c. Each returns the exit code.

#pragma once

#include "cli.h"
#include "http.h"

typedef int cli_run(struct cli *cli, const struct cli_args *args);

// ue.c, ue_import.c
cli_run ue_import_run, ue_list_run, ue_show_run, ue_remove_run;
// trace.c
cli_run trace_run;
// group.c
cli_run service_add_run, service_list_run, service_announce_run, service_remove_run;
cli_run group_add_run, group_list_run, group_remove_run;
// msk.c
cli_run msk_new_run, msk_list_run, msk_revoke_run;
void msks_print(const json_t *answer);
#define MSK_NUMBER_TEXT 5
// The number of an MSK as the daemon writes it, four hex digits, from what a person wrote (ff,
// 00FF).
int msk_number(struct cli *cli, const char *text, char out[MSK_NUMBER_TEXT]);
// The path of a call about the MSK that the two words name.
int msk_path(
	struct cli *cli, const struct cli_args *args, const char *verb, char path[HTTP_PATH_MAX]);
// mtk.c
cli_run mtk_start_run, mtk_stop_run, mtk_list_run, mtk_show_run, msk_activate_run;
// push.c
cli_run push_run, solicit_run;
// campaign.c
cli_run campaign_list_run, campaign_show_run, campaign_watch_run, campaign_pause_run,
	campaign_resume_run, campaign_abort_run, campaign_set_run, campaign_export_run, fire_run;
// explain.c
cli_run explain_run;
// area.c
cli_run area_list_run, area_set_run;
// store.c
cli_run key_show_run, key_rotate_run, backup_run;
// site_watch.c
cli_run site_watch_run;
// status.c
cli_run capture_run, status_run, stats_run;
