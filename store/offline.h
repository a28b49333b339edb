// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What mskpush-store does with a store that no daemon uses.

#pragma once

#include "writer.h"

// Takes the directory's lock until the descriptor is closed. -EBUSY: a daemon has the store; why
// gets a sentence.
int store_dir_lock(const char *dir, int *fd, char why[256]);

// The format of a data file, whatever it is. -ENOMSG: no store; other errors with a sentence.
int store_file_format(const char *path, uint32_t *format, char why[256]);

// --- Check -----------------------------------------------------------------------------------

struct store_finding {
	const char *table; // "hot"
	char key[40]; // of the record, "" for the table as a whole
	const char *what; // a sentence without its full stop
	store_id first; // subscribers that are touched
	uint32_t subscribers; // how many, 0: none
};

struct store_check_result {
	uint32_t live;
	uint64_t records;
	uint64_t findings;
	uint32_t damaged_subscribers;
	bool is_import_open; // the next start undoes or finishes it
	bool is_copy; // a backup that nobody has used yet
};

// Looks at every record: seals, versions, numbers, and whether names lead to their subscribers. env
// may be read only. -errno when it could not go on.
int store_check(struct store_env *env,
	void (*found)(void *arg, const struct store_finding *finding), void *arg,
	struct store_check_result *out);

// --- Files -----------------------------------------------------------------------------------

// Writes the data file of a directory anew, in the format and wrapping of today: formats before
// this one are brought up, and what lies in the clear is sealed when there is a wrapping key. The
// new file has no free pages, nor what lay in them. The old one stays, under the name that is
// written to kept. Lock the directory before. -errno with a sentence.
int store_upgrade(const char *dir, const char *wrapping_key, char kept[64], char why[256]);

// Puts a backup, or another copy of a data file, into a directory, marked as a copy. A data file
// that is there is kept under the name that is written to kept (empty: none was). Lock the
// directory before.
int store_restore(const char *backup, const char *dir, char kept[64], char why[256]);
