// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Campaigns that are open: how far they are, and the buttons that steer them.

import {order} from "./api.js";
import {confirm} from "./confirm.js";
import {
	bar, barSet, byId, counts, duration, element, limit, mskText, number, percent, phones,
	stall, write,
} from "./text.js";

const FIGURES = [
	"Verified", "Pending", "Given up", "Refused", "Members", "Round", "Messages/s",
	"Pace limit", "Running for",
];
const cards = new Map(); // id -> card
let mayOperate = false;

export function permit(isAllowed) {
	mayOperate = isAllowed;
}

// --- Orders -----------------------------------------------------------------------------------

const pace = (c) => c.rate > 0 ? `${number(c.rate)} a second` : "without a limit of its own";

const questions = {
	pause: (c) => ({
		title: `Pause campaign ${c.id}?`,
		lines: [`${phones(c.pending)} have not verified yet. Nothing is sent to them ` +
			"until you resume; answers still count."],
		verb: "Pause", isSafe: true,
	}),
	resume: (c) => ({
		title: `Resume campaign ${c.id} for ${phones(c.pending)}?`,
		lines: [`Sending goes on to those that have not verified, ${pace(c)}.`],
		verb: "Resume",
	}),
	abort: (c) => ({
		title: `Abort campaign ${c.id}?`,
		lines: [`${phones(c.pending)} of ${number(c.members)} have not verified. They ` +
			"are given up, and it cannot be taken back."],
		verb: "Abort", isDanger: true,
	}),
	fire: (c) => ({
		title: `Fire campaign ${c.id} at ${phones(c.members)}?`,
		lines: [`Its MSK is released and sent, ${pace(c)}.`],
		verb: "Fire", isCountTyped: true,
	}),
};

async function steer(card, what, question, send) {
	const c = card.campaign;

	if (!await confirm({count: what === "fire" ? c.members : c.pending, ...question}))
		return;
	write(card.error, "");
	try {
		fill(card, await send(c));
	} catch (error) {
		write(card.error, error.message);
	}
}

function orderGive(card, what) {
	return steer(card, what, questions[what](card.campaign),
		(c) => order("POST", `/v1/campaigns/${c.id}/${what}`));
}

function paceSet(card, rate) {
	const c = card.campaign;

	return steer(card, "pace", {
		title: rate === null ? `Lift the limit of campaign ${c.id}?` :
			`Set campaign ${c.id} to ${number(rate)} phones a second?`,
		lines: [`${phones(c.pending)} have not verified yet. The limit is ` +
			`${limit(c.rate)} now. Limits of areas stay as they are.`],
		verb: rate === null ? "Lift it" : "Set it",
	}, () => order("PATCH", `/v1/campaigns/${c.id}`, {rate}));
}

// --- Cards ------------------------------------------------------------------------------------

function steerMake(card, id) {
	const button = (what, text, more = "") => {
		const node = element("button", {type: "button", class: more || null}, text);

		node.addEventListener("click", () => orderGive(card, what));
		card[what] = node;
		return node;
	};
	const lift = element("button", {type: "button"}, "No limit");
	const form = element("form", {class: "pace", autocomplete: "off"},
		element("div", {},
			element("label", {for: `pace-${id}`}, "Pace, phones per second"),
			card.rate),
		element("button", {type: "submit"}, "Set"), lift);

	form.addEventListener("submit", (event) => {
		event.preventDefault();
		paceSet(card, Number(card.rate.value));
	});
	lift.addEventListener("click", () => paceSet(card, null));
	return element("div", {class: "steer"}, form,
		button("fire", "Fire…", "primary"), button("pause", "Pause…"),
		button("resume", "Resume…", "primary"), button("abort", "Abort…", "danger"));
}

function cardMake(id) {
	const card = {
		title: element("h3", {id: `campaign-${id}`, tabindex: -1}, `Campaign ${id}`),
		chip: element("span", {class: "chip"}),
		what: element("span", {}),
		share: element("span", {class: "share"}),
		bar: bar(`Campaign ${id}`),
		figures: FIGURES.map(() => element("dd", {})),
		stall: element("p", {class: "stall"}),
		rate: element("input", {
			id: `pace-${id}`, type: "number", inputmode: "numeric",
			min: 1, max: 100000000, step: 1, required: "",
		}),
		error: element("p", {class: "error", role: "alert"}),
		seen: null, // {sent, atS}
	};
	const list = element("dl", {class: "figures"}, ...FIGURES.map((name, i) =>
		element("div", {}, element("dt", {}, name), card.figures[i])));

	card.steer = steerMake(card, id);
	card.root = element("article", {class: "campaign", "aria-labelledby": `campaign-${id}`},
		element("header", {}, card.title, card.chip, card.what, card.share),
		card.bar, list, card.stall, card.steer, card.error);
	return card;
}

function messageRate(card, c) {
	const sent = c.pushes + c.solicits, atS = performance.now() / 1000, before = card.seen;

	card.seen = {sent, atS};
	if (before === null || atS - before.atS < 0.2)
		return null;
	return Math.max(sent - before.sent, 0) / (atS - before.atS);
}

function stallText(c) {
	if (c.is_halted)
		return "Halted: too few of the first phones verified. Resume it, or abort it.";
	if (c.state === "scheduled")
		return `It begins at ${c.at}.`;
	return c.stall && c.stall !== "paused" ? `Nothing is sent: ${stall(c.stall)}.` : "";
}

function fill(card, c) {
	const rate = messageRate(card, c);
	const shown = [number(c.verified), number(c.pending), number(c.given_up),
		number(c.refused), number(c.members), `${c.round} of ${c.sends}`,
		rate === null ? card.figures[6].textContent : number(rate), limit(c.rate),
		duration(c.seconds)];

	card.campaign = c;
	write(card.chip, c.is_halted ? "halted" : c.state);
	card.chip.className = `chip ${c.state}`;
	write(card.what, `${c.kind}, key group ${c.group}, MSK ${mskText(c.msk)}`);
	write(card.share, `${percent(c.verified, c.members)} verified`);
	shown.forEach((text, i) => write(card.figures[i], text));
	card.figures[3].title = counts(c.refused_by);
	barSet(card.bar, c);
	write(card.stall, stallText(c));
	card.steer.hidden = !mayOperate;
	card.fire.hidden = c.state !== "armed";
	card.resume.hidden = c.state !== "paused";
	card.pause.hidden = c.state !== "running";
}

// Shows the open campaigns. Cards stay as they are, so that who stands on a button keeps it.
// Returns the numbers of those that are not open any more.
export function show(list) {
	const box = byId("open-campaigns"), isOpen = (id) => list.some((c) => c.id === id);
	const ended = [...cards.keys()].filter((id) => !isOpen(id));

	for (const id of ended) {
		cards.get(id).root.remove();
		cards.delete(id);
	}
	for (const c of list) {
		if (!cards.has(c.id)) {
			cards.set(c.id, cardMake(c.id));
			box.prepend(cards.get(c.id).root);
		}
		fill(cards.get(c.id), c);
	}
	byId("nothing-runs").hidden = cards.size > 0;
	byId("now").classList.toggle("is-busy", cards.size > 0);
	return ended;
}

export function goTo(id) {
	const card = cards.get(id);

	if (card)
		card.title.focus();
	return card !== undefined;
}
