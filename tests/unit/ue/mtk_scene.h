// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Phones that listen on a multicast address, and MTKs that arrive there.

#pragma once

#include "scene.h"

#define GROUP_ADDRESS "232.1.1.1"
#define GROUP_PORT 5004

extern const uint8_t group_mac[6]; // of GROUP_ADDRESS

void mtk_listen(struct ue_site *site, const char *groups);
// A phone that holds the MSK of vector F, valid for MTK IDs above seq_l up to 255.
struct ue_site *mtk_holder_from(uint16_t seq_l);
struct ue_site *mtk_holder(void); // above 1
const struct ue_holding *mtk_holding(const struct ue_site *site); // the first phone's MSK

struct mikey_bytes mtk_message(uint32_t counter, uint16_t id); // under that MSK
struct mikey_bytes mtk_frame(struct mikey_bytes payload, const uint8_t mac[6]);
// Lets all phones hear a message; nobody answers.
void mtk_arrives(struct ue_site *site, struct mikey_bytes payload);
void expect_mtk_taken(struct ue_site *site, struct mikey_bytes payload);
void expect_mtk_refusal(struct ue_site *site, struct mikey_bytes payload, enum ue_refusal refusal);
