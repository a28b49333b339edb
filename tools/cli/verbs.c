// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "verbs.h"

#define BIT(option) (1ull << OPT_##option)
#define PACE_BITS (BIT(RATE) | BIT(WITHIN) | BIT(BY))
#define CHOICE_BITS (BIT(UE) | BIT(SAMPLE) | BIT(AREA) | BIT(ONLY) | BIT(UNDELIVERED_OF))
#define START_BITS                                                                    \
	(BIT(DRY_RUN) | BIT(NO_WAIT) | BIT(YES) | BIT(AT) | BIT(STOP_IF_UNVERIFIED) | \
		BIT(STOP_AFTER))
#define SOLICIT_BITS (BIT(SOLICITS) | BIT(SOLICIT_WAITS) | BIT(SOLICIT_PREVIOUS))

const struct cli_verb cli_verbs[] = {
	{"ue import", "FILE", 1, 1, BIT(SKIP_BAD) | BIT(DRY_RUN), ue_import_run,
		"Read subscribers from a CSV file (- = standard input)\n\n"
		"The first line names the columns; mskpush(1) lists them. A known IMPI is\n"
		"changed, a new one added. One bad line, and nothing of the file is kept, unless\n"
		"--skip-bad.",
		"mskpush ue import ues.csv --dry-run"},
	{"ue list", "", 0, 0, BIT(AFTER) | BIT(LIMIT), ue_list_run,
		"List subscribers in the order of their ids", "mskpush ue list --limit 20"},
	{"ue show", "ID", 1, 1, 0, ue_show_run, "Show one subscriber, by IMPI or B-TID",
		"mskpush ue show 001010000000001@ims.mnc001.mcc001.3gppnetwork.org"},
	{"trace", "ID", 1, 1, BIT(LIMIT), trace_run,
		"Tell the story of one phone, by IMPI or B-TID: why it has the key, or not\n\n"
		"Its record, whether it has the newest MSK of each of its key groups and what is\n"
		"in the way of the next one, what campaigns made of it, and its requests and\n"
		"pushes since the daemon started, --limit of them at most.",
		"mskpush trace 001010000000001@ims.mnc001.mcc001.3gppnetwork.org"},
	{"ue remove", "ID", 1, 1, BIT(REKEY) | BIT(YES), ue_remove_run,
		"Remove one subscriber, by IMPI or B-TID\n\n"
		"The phone still holds the MSKs it was given: --rekey makes new ones, and pushes\n"
		"them to all others.",
		"mskpush ue remove 001010000000001@ims.mnc001.mcc001.3gppnetwork.org"},
	{"service add", "NAME [G]...", 1, CLI_WORDS_MAX, BIT(GROUP) | BIT(POLICY), service_add_run,
		"Add a user service, or set its key groups",
		"mskpush service add urn:example:news --group 001-01/0001"},
	{"service list", "", 0, 0, 0, service_list_run, "List the user services",
		"mskpush service list"},
	{"service announce", "NAME [FLOW]...", 1, CLI_WORDS_MAX,
		BIT(NO_CONFIDENTIALITY) | BIT(NO_INTEGRITY), service_announce_run,
		"Print the security description of a user service\n\n"
		"The XML document for the service announcement: where phones get the keys, how "
		"long\n"
		"they wait, and which keys protect which flows. FLOW is ADDRESS:PORT, or\n"
		"G=ADDRESS:PORT where the service has more than one key group.",
		"mskpush service announce urn:example:news 232.1.1.1:5004"},
	{"service remove", "NAME", 1, 1, BIT(REKEY) | BIT(YES), service_remove_run,
		"Remove a user service\n\n"
		"Phones still hold the MSKs they were given for it: --rekey makes new ones in its\n"
		"key groups, and pushes them to the members that are left.",
		"mskpush service remove urn:example:news"},
	{"group add", "G", 1, 1, BIT(PROFILE), group_add_run, "Add a key group, MCC-MNC/GROUP",
		"mskpush group add 001-01/0001 --profile ts33246"},
	{"group list", "", 0, 0, 0, group_list_run, "List the key groups", "mskpush group list"},
	{"group remove", "G", 1, 1, 0, group_remove_run, "Remove a key group that nothing uses",
		"mskpush group remove 001-01/0001"},
	{"msk new", "G", 1, 1, 0, msk_new_run, "Make a new MSK in a key group",
		"mskpush msk new 001-01/0001"},
	{"msk list", "G", 1, 1, 0, msk_list_run, "List the MSKs of a key group",
		"mskpush msk list 001-01/0001"},
	{"msk activate", "G NUMBER", 2, 2, BIT(PERCENT) | BIT(NOW) | BIT(CANCEL), msk_activate_run,
		"Make the next MSK the current one; NUMBER in hex\n\n"
		"While MTKs of the group are sent this waits until 98 % of its members have the\n"
		"MSK; then new MTKs go under it, and the old one ends with its last MTK. With\n"
		"--now it does not wait, and says how many phones would pull.",
		"mskpush msk activate 001-01/0001 0002 --percent 95"},
	{"msk revoke", "G NUMBER", 2, 2, 0, msk_revoke_run,
		"Take an MSK out of use: no MTK goes under it, phones delete it when pushed it",
		"mskpush msk revoke 001-01/0001 0002"},
	{"mtk start", "G", 1, 1,
		BIT(TO) | BIT(LEAD) | BIT(INTERVAL) | BIT(REPEAT) | BIT(DUMMY) | BIT(SALT) |
			BIT(MTK_RAND),
		mtk_start_run,
		"Begin to send MTKs of a key group to a multicast address\n\n"
		"Each MTK is sent a lead ahead of its use, and again until its use is over. The\n"
		"encryptor gets them from GET /v1/groups/G/mtk of the admin API.",
		"mskpush mtk start 001-01/0001 --lead 30s --to 232.1.1.1:5004"},
	{"mtk stop", "G", 1, 1, 0, mtk_stop_run, "End sending MTKs of a key group",
		"mskpush mtk stop 001-01/0001"},
	{"mtk list", "", 0, 0, 0, mtk_list_run, "List the key groups whose MTKs are sent",
		"mskpush mtk list"},
	{"mtk show", "G", 1, 1, 0, mtk_show_run, "Show the MTKs of a key group, without their keys",
		"mskpush mtk show 001-01/0001"},
	{"push", "G", 1, 1,
		BIT(NEW) | BIT(MSK) | BIT(AUTO) | BIT(SENDS) | BIT(WAITS) | SOLICIT_BITS |
			PACE_BITS | CHOICE_BITS | START_BITS | BIT(ARM),
		push_run,
		"Push the newest MSK of a key group to all its members\n\n"
		"Watches until every member has verified, was refused or is given up. Ctrl-C\n"
		"leaves the campaign running. With --auto who has no fresh MUK, and who does not\n"
		"answer, is asked to come and fetch.",
		"mskpush push 001-01/0001 --new --auto --within 10m"},
	{"fire", "ID", 1, 1, BIT(NO_WAIT), fire_run,
		"Send an armed campaign: the moment that --arm prepared\n\n"
		"Watches like push. What changed since it was armed is computed anew.",
		"mskpush fire 12"},
	{"solicit", "G", 1, 1, SOLICIT_BITS | PACE_BITS | CHOICE_BITS | START_BITS | BIT(ARM),
		solicit_run,
		"Ask the members of a key group to come and fetch the MSK\n\n"
		"Sends solicited pulls, also under MUKs that have expired. A member is done when\n"
		"what it fetched is verified.",
		"mskpush solicit 001-01/0001 --area north --rate 2000"},
	{"campaign list", "", 0, 0, 0, campaign_list_run, "List campaigns, the newest first",
		"mskpush campaign list"},
	{"campaign show", "ID", 1, 1, BIT(UNDELIVERED), campaign_show_run,
		"Show a campaign, or with --undelivered who lacks the key and why",
		"mskpush campaign show 7 --undelivered"},
	{"campaign watch", "ID", 1, 1, 0, campaign_watch_run, "Watch a campaign to its end",
		"mskpush campaign watch 7"},
	{"campaign pause", "ID", 1, 1, 0, campaign_pause_run, "Send nothing until resumed",
		"mskpush campaign pause 7"},
	{"campaign resume", "ID", 1, 1, 0, campaign_resume_run, "Go on with a paused campaign",
		"mskpush campaign resume 7"},
	{"campaign abort", "ID", 1, 1, 0, campaign_abort_run,
		"End a campaign; members without the key are given up", "mskpush campaign abort 7"},
	{"campaign set", "ID", 1, 1, BIT(RATE), campaign_set_run, "Change the rate of a campaign",
		"mskpush campaign set 7 --rate 20000"},
	{"area list", "", 0, 0, 0, area_list_run, "List the areas, their limits and counters",
		"mskpush area list"},
	{"area set", "NAME", 1, 1, BIT(RATE), area_set_run,
		"Change the limit of an area, until the daemon ends",
		"mskpush area set north --rate 2000"},
	{"key show", "", 0, 0, 0, key_show_run, "Show how the secrets at rest are wrapped",
		"mskpush key show"},
	{"key rotate", "[SOURCE]", 0, 1, BIT(DEEP), key_rotate_run,
		"Wrap the secrets at rest under another key\n\n"
		"SOURCE is written as store.wrapping_key in the configuration, which has to name "
		"it at\n"
		"the next start; without SOURCE the configured one is read again.",
		"mskpush key rotate file:/etc/mskpush/wrapping-2.key --deep"},
	{"backup", "FILE", 1, 1, 0, backup_run,
		"Write a copy of the store to a new file\n\n"
		"The daemon writes it, mode 0600, and goes on meanwhile. The wrapping key is no "
		"part of\n"
		"it: keep a copy of that in another place.",
		"mskpush backup /var/backups/mskpush.mdb"},
	{"campaign export", "ID", 1, 1, BIT(CSV), campaign_export_run,
		"Print who lacks the key of a campaign and why, as CSV\n\n"
		"A line for each member that is refused, given up or pending, as campaign show\n"
		"--undelivered has them.",
		"mskpush campaign export 7 --csv"},
	{"explain", "ID", 1, 1, 0, explain_run, "Say what limits the rate of a campaign now",
		"mskpush explain 7"},
	{"capture", "FILE", 1, 1, BIT(CAPTURE_COUNT) | BIT(UE), capture_run,
		"Write what the ports send and receive, as pcapng (- = standard output)",
		"mskpush capture push.pcapng --count 1000"},
	{"status", "", 0, 0, BIT(ALL), status_run,
		"Show how the site is on one screen, what is wrong first", "mskpush status"},
	{"watch", "", 0, 0, BIT(CAPTURE_COUNT), site_watch_run,
		"Watch the site: rates, campaigns, what is wrong, anew each second\n\n"
		"Until Ctrl-C, or for --count looks. With --json each look is an object on a line\n"
		"of its own. A daemon that goes away is waited for.",
		"mskpush watch"},
	{"stats", "", 0, 0, BIT(STAGES), stats_run, "Show the counters", "mskpush stats --stages"},
	{"help", "[COMMAND]", 0, 2, 0, help_run, "Show what there is", "mskpush help push"},
};
const size_t cli_verb_count = sizeof(cli_verbs) / sizeof(cli_verbs[0]);
