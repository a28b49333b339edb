// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Frames that the emulated phones do not send by themselves: verification messages that a BM-SC
// has to refuse, and echo requests.

#pragma once

#include <stdbool.h>

struct site;
struct campaign;

// Sends one in the name of a person, in answer to a campaign. Kinds: bad-mac, bit, wrong-phone,
// stale-counter, future-counter, wrong-csb, wrong-msk, truncated, unknown-idr, good. False:
// there is no such kind.
bool forge_send(struct site *s, const struct campaign *c, unsigned person, const char *kind);
// A person pings mskpush.
void ping_send(struct site *s, unsigned person);
