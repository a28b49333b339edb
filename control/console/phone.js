// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The fate of one phone: what is known of it, its last pull and push, what became of it in the
// newest campaigns, and its whole story where the daemon keeps one.

import {get} from "./api.js";
import {fateText, newest} from "./history.js";
import {byId, element, pairs, time} from "./text.js";

const CAMPAIGNS = 8; // as many as the store keeps members of

const pathOf = (id) => `/v1/subscribers/${encodeURIComponent(id)}`;
let traceOf = null; // path of the call that tells the story, where there is one

export function callsSet(calls) {
	const trace = calls.find((c) => c.method === "GET" && c.path === "/v1/subscribers/*/trace");

	traceOf = trace && trace.is_allowed ? (id) => `${pathOf(id)}/trace` : null;
}

function keysText(s) {
	if (!s.has_muk)
		return "none";
	return [`MUK ${s.is_expired ? "expired" : "until"} ${time(s.expires)}`,
		s.is_verified ? "verified" : "never verified",
		s.keys_in === "uicc" ? "in the UICC" : "in the ME"].join(", ");
}

function pushText(p) {
	if (p === null)
		return "none since the daemon's start";
	return `${time(p.at)} MSK ${p.msk} of ${p.group}: ${fateText(p)}`;
}

function pullText(p) {
	if (p === null)
		return "none since the daemon's start";
	return `${time(p.at)} ${p.procedure}: ${p.result}`;
}

function list(title, items) {
	if (items.length === 0)
		return [];
	return [element("h3", {}, title), element("ul", {class: "story"}, ...items)];
}

function factsOf(s) {
	if (s.is_damaged)
		return element("p", {class: "error"}, "Its record in the store is damaged.");
	return pairs([
		["IMPI", s.impi], ["B-TID", s.btid], ["Keys", keysText(s)],
		["Previous", s.prev_btid],
		["Address", s.address ? `${s.address} port ${s.port}` : "none"],
		["Authorised", s.services.join(", ") || "for nothing"],
		["Registered", s.registered.join(", ") || "for nothing"],
		["Last pull", pullText(s.last_pull)], ["Last push", pushText(s.last_push)],
	]);
}

// Whoever is not on the list of those who lack the key has it, or was no member.
async function campaignText(c, s) {
	const after = s.id > 0 ? `&after=${s.id - 1}` : "";
	const {members} = await get(`/v1/campaigns/${c.id}/undelivered?limit=1${after}`);
	const member = members.find((m) => m.id === s.id);
	const fate = member ? fateText(member) : "verified, or not a member";

	return element("li", {},
		`Campaign ${c.id}, ${c.kind} ${c.group}, MSK ${c.msk.number}: ${fate}`);
}

async function campaignsOf(s) {
	const lines = [];

	for (const c of newest().slice(0, CAMPAIGNS))
		lines.push(await campaignText(c, s));
	return lines;
}

async function fateOf(id) {
	const s = await get(pathOf(id)), campaigns = s.is_damaged ? [] : await campaignsOf(s);

	return [factsOf(s), ...list("In the newest campaigns", campaigns)];
}

// --- Its story, where the daemon tells it ------------------------------------------------------

const tellings = {
	request: (e) => `${e.procedure}, from ${e.address}: ${e.result} (${e.status})`,
	item: (e) => `${e.msk ? `MSK ${e.msk} of ${e.group}` : e.service || "an item"}: ${e.code}`,
	push: (e) => `push of MSK ${e.msk} of ${e.group}: ${fateText(e)}`,
};

// One that is new here is shown as it is told.
function eventText({at, event, ...rest}) {
	const tell = tellings[event] || ((e) => `${event} ${JSON.stringify(e)}`);

	return `${time(at)} ${tell(rest)}`;
}

function groupText(g) {
	const has = g.msk === null ? "has no MSK" : `MSK ${g.msk.number} (${g.msk.check})`;
	const d = g.delivery;
	const got = d === null ? "nothing was sent" :
		`${fateText({...d, sends: null})}, ${time(d.at)}`;

	return `${g.group} ${has}: ${got}` +
		(g.reason ? `. Nothing would be pushed now: ${g.why || g.reason}` : "");
}

const memberText = (c) => `Campaign ${c.id}, ${c.kind} ${c.group}, MSK ${c.msk}: ${fateText(c)}`;
const lines = (items, text) => items.map((item) => element("li", {}, text(item)));

async function traceShown(id) {
	const t = await get(traceOf(id));

	return [factsOf(t.subscriber), ...list("Key groups", lines(t.groups, groupText)),
		...list("Campaigns", lines(t.campaigns.slice().reverse(), memberText)),
		...list("Events", lines(t.events.slice().reverse(), eventText))];
}

// --- The form ---------------------------------------------------------------------------------

async function fateShow(id) {
	const box = byId("phone-fate");
	let shown;

	try {
		shown = await (traceOf === null ? fateOf(id) : traceShown(id));
	} catch (error) {
		const why = error.status === 404 ? "No subscriber has this IMPI or B-TID." :
			error.message;

		shown = [element("p", {class: "error"}, why)];
	}
	box.replaceChildren(element("div", {class: "result"}, ...shown));
}

byId("phone").addEventListener("submit", (event) => {
	event.preventDefault();
	fateShow(byId("phone-id").value.trim());
});
