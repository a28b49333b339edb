// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Areas: what is sent to each now, and how far the newest campaign is in it.

import {get} from "./api.js";
import {bar, barSet, byId, cell, element, limit, number, percent, write} from "./text.js";

const NUMBERS = ["Sent/s", "Verified/s", "Limit", "Unreachable"];
const POLL_S = 2;
const SHARE = 20; // a look that takes long comes that much more seldom

const rows = new Map(); // name -> row
let before = null, nextS = 0, isAsked = false, isStale = false, shown = 0;

function rowMake(name) {
	const row = {
		cells: NUMBERS.map((label) => cell(label, "", "n")),
		bar: bar(`Area ${name}`),
		text: element("small", {}),
	};

	row.root = element("tr", {}, cell("Area", name), ...row.cells,
		cell("Progress", element("div", {}, row.bar, row.text), "whole"));
	row.bar.parentNode.hidden = true;
	byId("areas").tBodies[0].append(row.root);
	return row;
}

// Who lies in no area is shown when there is somebody.
function restHide(rest) {
	const row = rows.get("elsewhere"), counted = rest.sent + rest.verified + rest.unreachable;

	row.root.hidden = row.bar.parentNode.hidden && counted === 0;
}

function rowFill(row, area, then, seconds) {
	const gained = (name) => Math.max(area[name] - then[name], 0);
	const rate = (name) => then ? number(gained(name) / seconds) : "–";
	const texts = [rate("sent"), rate("verified"), limit(area.rate), number(area.unreachable)];

	texts.forEach((text, i) => write(row.cells[i], text));
}

function progressText(area) {
	const missed = area.given_up + area.refused;

	return `${percent(area.verified, area.members)} of ${number(area.members)}` +
		(missed > 0 ? `, ${number(missed)} not reached` : "");
}

function progressShow(id, areas) {
	write(byId("areas-of"), `Progress of campaign ${id}.`);
	for (const [name, row] of rows) {
		const area = areas.find((a) => (a.name || "elsewhere") === name);

		row.bar.parentNode.hidden = !area || area.members === 0;
		if (area && area.members > 0) {
			barSet(row.bar, area);
			write(row.text, progressText(area));
		}
	}
}

async function progressAsk(id) {
	const beginS = performance.now() / 1000;

	isAsked = true;
	try {
		progressShow(id, (await get(`/v1/campaigns/${id}/areas`)).areas);
	} catch {
		// The poll says what is wrong.
	}
	const endS = performance.now() / 1000;
	nextS = endS + Math.max(POLL_S, SHARE * (endS - beginS));
	isAsked = false;
}

// newest: the campaign whose progress is shown, null: none.
export function show(areas, newest, isOpen) {
	const nowS = performance.now() / 1000, hasAreas = areas.length > 1;

	byId("areas-panel").hidden = !hasAreas;
	if (!hasAreas)
		return;
	const seconds = before === null ? 1 : nowS - before.nowS;

	for (const [i, area] of areas.entries()) {
		const name = area.name || "elsewhere";

		if (!rows.has(name))
			rows.set(name, rowMake(name));
		rowFill(rows.get(name), area, before && before.areas[i], seconds);
	}
	restHide(areas.at(-1));
	before = {areas, nowS};
	isStale ||= newest !== null && (isOpen || newest !== shown);
	if (newest === null || isAsked || nowS < nextS || !isStale)
		return;
	shown = newest;
	isStale = false;
	progressAsk(newest);
}

// A campaign has ended: its last figures are still to be read.
export function refresh() {
	isStale = true;
}
export function gap() {
	before = null;
}
