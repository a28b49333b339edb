// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Campaigns that were, newest first, and who was not reached.

import {get} from "./api.js";
import {
	byId, cell, counts, duration, element, isEnded, limit, mskText, number, pairs, percent,
	time,
} from "./text.js";

const FIRST = 20, MOST = 1000, UNREACHED = 20;

let most = FIRST, campaigns = [];
const opened = new Set(); // ids whose details are shown
const rows = new Map(); // id -> {text, row, more}

function verdictWord(c) {
	if (!isEnded(c))
		return c.state;
	const rest = c.members - c.verified;
	const all = rest === 0 ? "all verified" : `${number(rest)} not verified`;

	return c.state === "aborted" ? `aborted, ${all}` : all;
}

// --- Details ----------------------------------------------------------------------------------

// "given-up: no-answer, 8 sends"
export function fateText(member) {
	const why = member.why ? `: ${member.why}` : "", n = member.sends;
	const sends = n === null ? "" : `, ${number(n)} ${n === 1 ? "send" : "sends"}`;

	return member.state + why + sends;
}

function memberLine(m) {
	const name = m.impi || m.btid || `number ${m.id}`;

	return element("li", {}, element("span", {class: "mono"}, name), ` ${fateText(m)}`);
}

async function unreachedAdd(c, list, button) {
	const after = button.dataset.after ? `&after=${button.dataset.after}` : "";

	button.disabled = true;
	try {
		const path = `/v1/campaigns/${c.id}/undelivered?limit=${UNREACHED}${after}`;
		const page = await get(path);

		list.append(...page.members.map(memberLine));
		if (page.members.length === 0 && list.children.length === 0)
			list.append(element("li", {}, "Their states are not kept any more."));
		button.hidden = page.next === null;
		button.dataset.after = page.next;
		button.textContent = `Next ${UNREACHED}`;
	} catch (error) {
		list.append(element("li", {class: "error"}, error.message));
	}
	button.disabled = false;
}

function detailsMake(c) {
	const box = element("td", {colspan: 10}), list = element("ul", {class: "story"});
	const button = element("button", {type: "button"}, "Who has not verified");

	button.addEventListener("click", () => unreachedAdd(c, list, button));
	box.append(pairs([
		["MSK", mskText(c.msk)], ["CSB ID", c.msk.csb_id],
		["Created", time(c.created)], ["Ended", time(c.ended)],
		["Refused", counts(c.refused_by)], ["Pushes", number(c.pushes)],
		["Solicits", c.solicit ? number(c.solicits) : null],
		["Rounds", c.rounds], ["Pace limit", limit(c.rate)],
	]));
	if (c.verified < c.members)
		box.append(list, element("div", {class: "buttons"}, button));
	return element("tr", {class: "more", id: `more-${c.id}`}, box);
}

function detailsSet(button, entry, c, isOpen) {
	button.setAttribute("aria-expanded", String(isOpen));
	button.textContent = isOpen ? "Less" : "More";
	if (isOpen && !entry.more) {
		entry.more = detailsMake(c);
		entry.row.after(entry.more);
	} else if (!isOpen && entry.more) {
		entry.more.remove();
		entry.more = null;
	}
	opened[isOpen ? "add" : "delete"](c.id);
}

// --- Rows -------------------------------------------------------------------------------------

function rowMake(c, text) {
	const button = element("button", {type: "button", class: "quiet", "aria-expanded": "false",
		"aria-label": `More of campaign ${c.id}`}, "More");
	const rate = c.seconds > 0 ? (c.pushes + c.solicits) / c.seconds : 0;
	const row = element("tr", {"data-id": c.id},
		cell("Campaign", `${c.id} ${c.kind} ${c.group}`),
		cell("Started, UTC", time(c.started), "whole"),
		cell("Verdict", verdictWord(c), "whole"),
		cell("Members", number(c.members), "n"),
		cell("Verified", `${number(c.verified)} (${percent(c.verified, c.members)})`, "n"),
		cell("Given up", number(c.given_up), "n"),
		cell("Refused", number(c.refused), "n"),
		cell("Time", duration(c.seconds), "n"),
		cell("Messages/s", number(rate), "n"),
		cell("", button, "whole n"));
	const entry = {text, more: null, button, row};

	button.addEventListener("click", () => detailsSet(button, entry, c, entry.more === null));
	return entry;
}

// Rows that say the same as before stay: focus and what was unfolded stay with them.
function rowShow(c, place) {
	const text = JSON.stringify(c), old = rows.get(c.id);

	if (old && old.text === text) {
		place.after(old.row);
		if (old.more)
			old.row.after(old.more);
		return old.more || old.row;
	}
	const entry = rowMake(c, text), hadFocus = old && old.button === document.activeElement;

	if (old) {
		old.row.remove();
		if (old.more)
			old.more.remove();
	}
	place.after(entry.row);
	rows.set(c.id, entry);
	if (opened.has(c.id))
		detailsSet(entry.button, entry, c, true);
	if (hadFocus)
		entry.button.focus();
	return entry.more || entry.row;
}

function show() {
	const body = byId("history").tBodies[0], ended = campaigns.filter(isEnded);
	const ids = new Set(ended.map((c) => c.id)), anchor = element("tr", {hidden: ""});

	for (const [id, entry] of rows)
		if (!ids.has(id)) {
			entry.row.remove();
			if (entry.more)
				entry.more.remove();
			rows.delete(id);
			opened.delete(id);
		}
	body.prepend(anchor);
	ended.reduce((place, c) => rowShow(c, place), anchor);
	anchor.remove();
	byId("history").hidden = ended.length === 0;
	byId("history-none").hidden = ended.length > 0;
	byId("history-more").hidden = campaigns.length < most || most >= MOST;
}

export async function refresh() {
	campaigns = (await get(`/v1/campaigns?limit=${most}`)).campaigns;
	show();
}

// Newest first, open ones among them.
export const newest = () => campaigns;

byId("history-more").addEventListener("click", async () => {
	most = Math.min(most * 5, MOST);
	try {
		await refresh();
	} catch {
		// The poll says what is wrong.
	}
});
