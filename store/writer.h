// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Changing the store. All writing is done by one thread: nothing here locks. A
// transaction is durable when its commit returns 0, and leaves no trace when it does not.
//
// Errors: -EINVAL bad argument, -ENOENT no such object, -EEXIST already there, -EBUSY in use,
// -ENOSPC map or disk full, -EIO anything LMDB could not do.

#pragma once

#include "reader.h"

struct store_env_conf {
	const char *dir; // made 0700 when missing
	const char
		*file; // or this file alone, such as a backup: read only, and nobody may write it
	uint64_t map_bytes; // set aside on the disk at once; more when the file is larger
	uint64_t map_max_bytes; // it may grow so far while it is open; 0: not at all
	unsigned max_readers;
	const char *wrapping_key; // where it comes from, see below; NULL as "none"
};

// Opens or creates a store. -EBUSY: another daemon has it (why says so). -EPROTO: unknown format
// version. -EKEYREJECTED: it is wrapped, and not under this key. Cleans up what an interrupted
// import left behind. why gets a sentence on any error.
int store_env_open(const struct store_env_conf *conf, struct store_env **out, char why[256]);
void store_env_close(struct store_env *env);

struct store_env_info {
	uint64_t map_bytes; // set aside
	uint64_t map_max_bytes;
	uint64_t used_bytes; // (last page + 1) x page size
	uint64_t version; // number of the last commit
	uint32_t readers;
	unsigned key_numbers_skipped; // in each group: this was a copy until it was opened
};
int store_env_info(struct store_env *env, struct store_env_info *out);

// Sources of a wrapping key:
//   none                  the secrets of a store lie in the clear
//   file:PATH             32 octets, or 64 hex digits
//   credential:NAME       the same in $CREDENTIALS_DIRECTORY, where systemd puts it
//   passphrase-file:PATH  one line; scrypt makes the key of it
// 0, or -EINVAL with a sentence when it is none of them. Reads nothing.
int store_wrapping_check(const char *source, char why[256]);

struct store_wrapping {
	const char *kind; // "none", "key", "passphrase"
	uint32_t data_keys; // that are stored
	uint32_t below; // records under lower data keys are being sealed anew; 0: none
};
int store_wrapping_info(const struct store_reader *r, struct store_wrapping *out);

// Another wrapping key. The data keys are wrapped anew with it, in one transaction; is_deep: and a
// new data key is drawn, and all records have to be sealed anew (store_rewrap_step()).
struct store_rotation;
// Reads the key, which takes a second for a passphrase. Any thread. -EINVAL: the store is not
// wrapped, or other errors with a sentence.
int store_rotation_prepare(
	struct store_env *env, const char *source, struct store_rotation **out, char why[256]);
// Writer, no transaction open. Frees the rotation in any case.
int store_rotation_commit(struct store_env *env, struct store_rotation *rotation, bool is_deep);

// Sealing anew, table by table, a few milliseconds a call. Writer, no transaction open. Begin with
// zeros. 1 while there is more, 0 when all records are under the present data keys (older ones are
// forgotten then), or nothing was to be done. Begin again after an error or a new start.
struct store_rewrap {
	unsigned table;
	uint8_t key[8];
	uint8_t key_len;
	uint32_t sealed;
	uint32_t damaged; // could not be opened, and stay as they are
};
int store_rewrap_step(struct store_env *env, struct store_rewrap *at);

// Writes a copy of the newest snapshot to a file, 0600, complete when it has its name. Any thread;
// takes a reader, and readers and the writer go on. The counter mark is no part of it, nor is the
// wrapping key. It replaces no file, also none that comes while it is written, where the file
// system can tell (renameat2). -errno with a sentence.
struct store_backup_result {
	uint64_t bytes;
	uint64_t version; // of the snapshot
};
int store_backup(
	struct store_env *env, const char *path, struct store_backup_result *result, char why[256]);

struct store_txn;

int store_txn_begin(struct store_env *env, struct store_txn **out);
int store_txn_commit(struct store_txn *txn); // frees txn in any case
void store_txn_abort(struct store_txn *txn);
// A transaction inside another: its changes are kept or dropped on their own. The parent must
// not be used until it is committed or aborted.
int store_txn_nest(struct store_txn *parent, struct store_txn **out);

// The verbs below read inside the transaction they are given, their own changes included.

// Sets of services are interned: the same services have the same number for ever.
int store_set_intern(
	struct store_txn *txn, const store_service_id *services, size_t n, store_set *out);

// Adds or changes one subscriber, found by IMPI. A new B-TID moves the old B-TID and MUK to
// previous when a verification under them had arrived, else the previous one stays.
// *id is set; *is_new tells which it was. -EEXIST: another subscriber has this B-TID, as the
// current or the previous one. -EBUSY: an import is open, and the subscriber is new or the B-TID
// stands in the file.
// may_reuse_id: ids freed by store_subscriber_remove may be given out again.
int store_subscriber_put(struct store_txn *txn, const struct store_subscriber *sub,
	bool may_reuse_id, store_id *id, bool *is_new);
// Whether a subscriber is there and is just so already: putting it would change nothing. *id is set
// then.
bool store_subscriber_is_there(
	struct store_txn *txn, const struct store_subscriber *sub, store_id *id);
// -EBUSY while an import is open.
int store_subscriber_remove(struct store_txn *txn, store_id id);
// Notes that a verification under the current MUK arrived, which ends the life of the previous
// one. Do not pass ids whose verification came under the previous MUK. Ids that have no MUK or
// are free are passed over. Ascending ids are quickest: neighbours share a block.
int store_subscriber_verified(struct store_txn *txn, const store_id *ids, size_t n);
// The same where time has passed since the verification: those whose MUK is another one by now
// (store_muk_check) are passed over.
struct store_verification {
	store_id id;
	uint32_t muk_check;
};
int store_subscriber_verified_under(
	struct store_txn *txn, const struct store_verification *list, size_t n);

// A new bootstrapping: B-TID, keys, expiry and where keys are kept, of keys->impi. All else of a
// subscriber that is there stays, but for authorised when has_services is set; a new one is as keys
// says. Errors as store_subscriber_put().
int store_subscriber_bootstrap(struct store_txn *txn, const struct store_subscriber *keys,
	bool has_services, bool may_reuse_id, store_id *id, bool *is_new);

// What a phone changes of itself.
struct store_registration {
	store_id id;
	struct store_bytes btid; // that it came with
	const store_service_id *add; // at most STORE_SET_MAX, each once
	size_t adds;
	const store_service_id *drop;
	size_t drops;
	bool has_place; // else address and port stay
	struct store_addr addr;
	uint16_t port;
};
// Adds services it is authorised for (the others are left out) to those it is registered with,
// takes others away, notes where it is. Nothing is written when nothing changes. -ENOENT: the id is
// free, or has another B-TID by now.
int store_subscriber_register(struct store_txn *txn, const struct store_registration *reg);

// By name; sets id. -ENOENT: a group is not there; -E2BIG: 64 other services name a group.
int store_service_put(struct store_txn *txn, struct store_service *service);
// -EBUSY: subscribers use it; -EINPROGRESS: an import is open.
int store_service_remove(struct store_txn *txn, store_service_id id);

// -EEXIST: it is there with another profile. -EINVAL: the all-zero id, or a last_key_number below
// the one that was reached.
int store_group_put(struct store_txn *txn, const struct store_group *group);
// Its MSKs go with it. -EBUSY: a service or an open campaign uses it, or its MTKs are being sent.
int store_group_remove(struct store_txn *txn, const struct store_group_id *id);

// Adds an MSK or changes state and release of one. The key, RAND and CSB ID of an MSK that is
// there already are never changed: -EEXIST. A new one takes msk->number, which has to be the
// group's next Key Number, and moves the group's last_key_number. -ENOSPC after 0xffff. -EBUSY: the
// group has another MSK in this state, next or current; to activate one, retire the current one
// first. -EEXIST also when a living MSK of a ts33246 group has the CSB ID. States only go from
// next to current to retired, and a released MSK stays released: -EINVAL.
int store_msk_put(struct store_txn *txn, const struct store_msk *msk);

int store_campaign_put(struct store_txn *txn, const struct store_campaign *campaign);
// The number the next campaign will have; moves on with each call.
int store_campaign_next_id(struct store_txn *txn, uint32_t *id);
int store_campaign_slice_put(
	struct store_txn *txn, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE]);
// Drops the member states of a campaign, at most `most` slices a call; returns 1 while there are
// more, 0 when all are gone.
int store_campaign_slices_drop(struct store_txn *txn, uint32_t campaign, unsigned most);

// Adds MTKs to those of an MSK, or leaves some out. *reservation is the number of times that MTK
// IDs were given out in this store. -ENOENT: no such MSK. -EINVAL: an MTK ID that was given out
// would name another MTK, or they do not ascend. -ERANGE: an MTK ID is not above SEQl or is above
// SEQu. -EKEYREVOKED: the MSK is barred.
int store_mtks_put(struct store_txn *txn, const struct store_mtks *mtks, uint32_t *reservation);
// No MTK goes under any MSK of now any more: others may have been given out under them. At least
// so many reservations are counted from now on.
int store_mtks_bar(struct store_txn *txn, uint32_t reservations);
// -ENOENT: no such group.
int store_bearer_put(struct store_txn *txn, const struct store_bearer *bearer);

int store_mark_put(struct store_txn *txn, uint32_t mark);

// --- Import ----------------------------------------------------------------------
// New subscribers go above the published span, where no reader sees them; changed ones, and new
// ones that get places of removed ones, wait in a list until the end. One import at a time. The
// steps run in write transactions of their own, none of which holds the writer longer than 50 ms.

struct store_import;

struct store_import_result {
	uint32_t added;
	uint32_t changed;
	uint32_t unchanged;
	// Of those added, so many get places of removed subscribers, and stand among the changed
	// ids. The others have the ids first_new .. first_new + added - reused - 1.
	uint32_t reused;
	store_id first_new;
};

// -EBUSY while another import is open. expected: rows to come, 0 = unknown (sizes the tables).
int store_import_begin(struct store_env *env, uint32_t expected, struct store_import **out);
// From now on new subscribers get the places of removed ones, as far as there are any. They cost
// as much as changed ones.
void store_import_reuse_ids(struct store_import *imp);
enum store_row {
	STORE_ROW_TAKEN,
	STORE_ROW_MALFORMED,
	STORE_ROW_IMPI_TWICE, // a row before has it
	STORE_ROW_BTID_TWICE,
	STORE_ROW_BTID_OF_ANOTHER, // subscriber in the store has it, current or previous
	STORE_ROW_DAMAGED, // what the store has of that subscriber is not what was written
};

// Takes up to STORE_IMPORT_CHUNK rows; verdict[i] tells what became of each. Sets of the rows must
// have been interned with store_import_set(). A row may take the B-TID of a subscriber that a row
// before gave another one, unless it lives on there as the previous one. When the call itself fails
// nothing of it was taken, and the import can only be aborted.
#define STORE_IMPORT_CHUNK 8192
int store_import_add(struct store_import *imp, const struct store_subscriber *rows, size_t n,
	enum store_row *verdict);
int store_import_set(
	struct store_import *imp, const store_service_id *services, size_t n, store_set *out);
// What publishing would make of the rows taken so far; ids above the span are not in use yet.
void store_import_counts(const struct store_import *imp, struct store_import_result *out);
// One step of making it visible: returns 1 while there is more to do, 0 when all rows are
// published, -errno when it failed (then call store_import_abort).
int store_import_publish(struct store_import *imp);
// Whether publishing has begun to change what readers see; steps before that need no telling.
bool store_import_is_visible(const struct store_import *imp);
// Ids of the changed subscribers, and of new ones in places of removed ones; valid until the import
// ends.
const store_id *store_import_changed(const struct store_import *imp, size_t *n);
void store_import_end(struct store_import *imp, struct store_import_result *result);
// Forgets all that was added; returns 1 while there is more to clean, then frees imp and returns 0.
// -errno: it could not be cleaned now, imp is freed, and the next import or opening cleans. After
// the publishing transaction there is nothing to forget: those finish the import instead.
int store_import_abort(struct store_import *imp);

// --- Counter mark ----------------------------------------------------------------
// A file of its own beside the store: two checksummed sectors, written in turn, fdatasync'ed;
// behind them the highest Key Numbers.

struct store_mark;

enum store_mark_state {
	STORE_MARK_OK,
	STORE_MARK_MISSING,
	STORE_MARK_OTHER_MACHINE, // written under another machine-id
	STORE_MARK_HALF, // one of its sectors is damaged: it may have held a higher mark
};

// Opens dir/counter.mark, creating it when missing. machine_id: 16 octets. -EUCLEAN: both
// sectors are damaged. *mark is 0 when there was none; a file never written to counts as missing.
int store_mark_open(const char *dir, const uint8_t machine_id[16], struct store_mark **out,
	uint32_t *mark, enum store_mark_state *state);
// Durable when it returns 0. clock: where the counter's clock stands, the file keeps the latest.
// May be called from any one thread at a time, not only the writer.
int store_mark_write(struct store_mark *m, uint32_t mark, uint32_t clock);
// The latest clock that was written, 0 when none was.
uint32_t store_mark_clock(const struct store_mark *m);
// The next write tells it anew, also when it stands further back.
void store_mark_clock_forget(struct store_mark *m);
// How often MTK IDs were given out, as far as the file was told; a store that counts less is not
// the one that did it. Likewise durable, by one thread at a time.
uint32_t store_mark_mtk_reservations(const struct store_mark *m);
int store_mark_mtk_reserve(struct store_mark *m, uint32_t reservations);
// From now on the file keeps the highest Key Number of each group too, durable before the MSK is,
// and a group that is added goes on above it: a lost store repeats none. Both learn what the other
// one knows. Before other threads use the store; m is closed after its last transaction, before it.
int store_mark_keep_numbers(struct store_mark *m, struct store_env *env);
void store_mark_close(struct store_mark *m);
