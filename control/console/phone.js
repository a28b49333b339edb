// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The fate of one phone: what is known of it, its last pull and push, what became of it in the
// newest campaigns, and its whole story where the daemon keeps one.

import {get} from "./api.js";
import {newest} from "./history.js";
import {byId, element, number, pairs, time} from "./text.js";

const CAMPAIGNS = 8; // as many as the store keeps members of

let traceOf = null; // path of the call that tells the story, where there is one

export function callsSet(calls) {
	const trace = calls.find((c) => c.method === "GET" && c.path === "/v1/subscribers/*/trace");

	traceOf = trace && trace.is_allowed ? (id) => `/v1/subscribers/${encodeURIComponent(id)}/trace` : null;
}

function keysText(s) {
	if (!s.has_muk)
		return "none";
	return `MUK ${s.is_expired ? "expired" : "until"} ${time(s.expires)}${s.is_verified ? ", verified" : ", never verified"}, in ${
		s.keys_in === "uicc" ? "the UICC" : "the ME"}`;
}

function pushText(p) {
	if (p === null)
		return "none since the daemon's start";
	return `${time(p.at)} MSK ${p.msk} of ${p.group}: ${p.state}, ${number(p.sends)} sends${p.why ? `: ${p.why}` : ""}`;
}

const list = (title, items) => items.length === 0 ? [] : [element("h3", {}, title), element("ul", {class: "story"}, ...items)];

const pullText = (p) => p === null ? "none since the daemon's start" : `${time(p.at)} ${p.procedure}: ${p.result}`;

function factsOf(s) {
	if (s.is_damaged)
		return element("p", {class: "error"}, "Its record in the store is damaged.");
	return pairs([["IMPI", s.impi], ["B-TID", s.btid], ["Keys", keysText(s)], ["Previous", s.prev_btid],
		["Address", s.address ? `${s.address} port ${s.port}` : "none"], ["Authorised", s.services.join(", ") || "for nothing"],
		["Registered", s.registered.join(", ") || "for nothing"], ["Last pull", pullText(s.last_pull)],
		["Last push", pushText(s.last_push)]]);
}

// Whoever is not on the list of those who lack the key has it, or was no member.
async function campaignText(c, s) {
	const after = s.id > 0 ? `&after=${s.id - 1}` : "";
	const {members} = await get(`/v1/campaigns/${c.id}/undelivered?limit=1${after}`);
	const member = members.find((m) => m.id === s.id);
	const fate = member ? `${member.state}${member.why ? `: ${member.why}` : ""}${
		member.sends === null ? "" : `, ${number(member.sends)} sends`}` : "verified, or not a member";

	return element("li", {}, `Campaign ${c.id}, ${c.kind} ${c.group}, MSK ${c.msk.number}: ${fate}`);
}

async function campaignsOf(s) {
	const lines = [];

	for (const c of newest().slice(0, CAMPAIGNS))
		lines.push(await campaignText(c, s));
	return lines;
}

async function fateOf(id) {
	const s = await get(`/v1/subscribers/${encodeURIComponent(id)}`);

	return [factsOf(s), ...list("In the newest campaigns", s.is_damaged ? [] : await campaignsOf(s))];
}

// --- Its story, where the daemon tells it ------------------------------------------------------

const sendsText = (x) => x.sends === null || x.sends === undefined ? "" : ` after ${number(x.sends)} ${x.sends === 1 ? "send" : "sends"}`;
const whyText = (x) => x.why ? `: ${x.why}` : "";

const tellings = {
	request: (e) => `${e.procedure} from ${e.address || "somewhere"}: ${e.result} (${e.status})`,
	item: (e) => `${e.msk ? `MSK ${e.msk} of ${e.group}` : e.service || "an item"}: ${e.code}`,
	push: (e) => `push of MSK ${e.msk} of ${e.group}: ${e.state}${sendsText(e)}${whyText(e)}`,
};

// One that is new here is shown as it is told.
function eventText({at, event, ...rest}) {
	const tell = tellings[event] || ((e) => `${event} ${JSON.stringify(e)}`);

	return `${time(at)} ${tell(rest)}`;
}

function groupText(g) {
	const has = g.msk === null ? "has no MSK" : `MSK ${g.msk.number} (${g.msk.check})`;
	const got = g.delivery === null ? "nothing was sent" : `${g.delivery.state}${whyText(g.delivery)}, ${time(g.delivery.at)}`;

	return `${g.group} ${has}: ${got}${g.reason ? `. Nothing would be pushed now: ${g.why || g.reason}` : ""}`;
}

const memberText = (c) => `Campaign ${c.id}, ${c.kind} ${c.group}, MSK ${c.msk}: ${c.state}${sendsText(c)}${whyText(c)}`;
const lines = (items, text) => items.map((item) => element("li", {}, text(item)));

async function traceShown(id) {
	const t = await get(traceOf(id));

	return [factsOf(t.subscriber), ...list("Key groups", lines(t.groups, groupText)),
		...list("Campaigns, newest first", lines(t.campaigns.slice().reverse(), memberText)),
		...list("Events, newest first", lines(t.events.slice().reverse(), eventText))];
}

// --- The form ---------------------------------------------------------------------------------

async function fateShow(id) {
	const box = byId("phone-fate");
	let shown;

	try {
		shown = await (traceOf === null ? fateOf(id) : traceShown(id));
	} catch (error) {
		shown = [element("p", {class: "error"}, error.status === 404 ? "No subscriber has this IMPI or B-TID." : error.message)];
	}
	box.replaceChildren(element("div", {class: "result"}, ...shown));
}

byId("phone").addEventListener("submit", (event) => {
	event.preventDefault();
	fateShow(byId("phone-id").value.trim());
});
