// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The form that starts campaigns, and their plans.

import {get, order} from "./api.js";
import {goTo} from "./campaigns.js";
import {confirm} from "./confirm.js";
import {byId, cell, counts, duration, element, limit, number, pairs, phones} from "./text.js";

const verbs = {
	push: "Push the MSK",
	solicit: "Send solicited pulls",
	auto: "Push the MSK, or send solicited pulls,",
};
const paces = {rate: "Phones per second", within: "Minutes"};

// --- The order --------------------------------------------------------------------------------

const chosenKind = () => document.querySelector("#order [name=kind]:checked").value;

function numberOf(id) {
	const text = byId(id).value;

	return text === "" ? undefined : Number(text);
}

function body() {
	const pace = byId("order-pace").value, n = numberOf("order-pace-n");
	const made = {
		kind: chosenKind(),
		group: byId("order-group").value,
		sample: numberOf("order-sample"),
		area: byId("order-area").value || undefined,
		undelivered_of: numberOf("order-undelivered"),
		stop_if_unverified: numberOf("order-stop"),
	};

	if (byId("order-new").checked)
		made.new = true;
	if (pace === "rate")
		made.rate = n;
	else if (pace === "within")
		made.within = n * 60;
	else if (pace === "none")
		made.rate = null;
	return made;
}

// --- The plan ---------------------------------------------------------------------------------

function areasTable(areas) {
	const names = ["Area", "Phones", "Solicits", "Limit", "Time"];
	const heads = names.map((name, i) =>
		element("th", {scope: "col", class: i > 0 ? "n" : null}, name));
	const rows = areas.map((a) => element("tr", {},
		cell(names[0], a.name || "elsewhere"),
		cell(names[1], number(a.members), "n"),
		cell(names[2], number(a.solicits), "n"),
		cell(names[3], limit(a.rate), "n"),
		cell(names[4], a.seconds === null ? "–" : duration(a.seconds), "n")));

	return element("table", {class: "cards"},
		element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
}

const speed = (plan) => plan.rate > 0 ? `${number(plan.rate)} a second` : "no limit of its own";

function planTime(plan) {
	if (plan.seconds === null)
		return "as fast as the port takes it";
	return `${duration(plan.seconds)}, once to everybody`;
}

const refusedText = (plan) => `${number(plan.refused)}` +
	(plan.refused > 0 ? ` (${counts(plan.refused_by)})` : "");
const result = (title, ...more) => byId("plan").replaceChildren(
	element("div", {class: "result"}, element("h3", {}, title), ...more));

function planShow(plan) {
	result("Plan: nothing was sent", pairs([
		["Members", number(plan.members)], ["Pushes", number(plan.pushes)],
		["Solicits", number(plan.solicits)], ["Refused", refusedText(plan)],
		["Pace", speed(plan)], ["Time", planTime(plan)],
	]));
	if (plan.areas.length > 0)
		byId("plan").firstChild.append(areasTable(plan.areas));
}

function refusalShow(error) {
	const more = [element("p", {class: "error"}, error.message)];

	if (error.campaign) {
		const text = `Go to campaign ${error.campaign}`;
		const link = element("button", {type: "button"}, text);

		link.addEventListener("click", () =>
			goTo(error.campaign) || link.replaceWith("It is not open any more."));
		more.push(element("div", {class: "buttons"}, link));
	}
	result("Not started", ...more);
}

// --- Buttons ----------------------------------------------------------------------------------

let isBusy = false;

// One order at a time: a second click waits for nothing and does nothing.
async function busily(work) {
	if (isBusy || !byId("order").reportValidity())
		return;
	isBusy = true;
	byId("order").setAttribute("aria-busy", "true");
	try {
		await work(body());
	} catch (error) {
		refusalShow(error);
	}
	byId("order").removeAttribute("aria-busy");
	isBusy = false;
}

const planOf = (made) => order("POST", "/v1/campaigns", {...made, dry_run: true});

function question(made, plan) {
	const count = plan.pushes + plan.solicits;
	const limits = plan.areas.filter((a) => a.rate > 0)
		.map((a) => `${a.name} ${limit(a.rate)}`);
	const lines = [`Pace: ${speed(plan)}. Time: ${planTime(plan)}.`];

	if (made.new)
		lines.unshift("A new MSK is made first.");
	if (plan.refused > 0)
		lines.push(`Refused: ${refusedText(plan)}.`);
	if (limits.length > 0)
		lines.push(`Limits of areas hold: ${limits.join(", ")}.`);
	return {
		title: `${verbs[made.kind]} of ${made.group} to ${phones(count)}?`,
		lines, count, verb: `Send to ${phones(count)}`, isCountTyped: true,
	};
}

let onStarted = () => {};

async function start(made) {
	const plan = await planOf(made);

	planShow(plan);
	if (plan.pushes + plan.solicits === 0) {
		result("Not started", element("p", {class: "error"}, "There is nobody to send to: "
			+ `${number(plan.members)} members, refused ${refusedText(plan)}.`));
		return;
	}
	if (!await confirm(question(made, plan)))
		return;
	const campaign = await order("POST", "/v1/campaigns", made);

	result(`Campaign ${campaign.id} was started`,
		element("p", {}, `It has ${phones(campaign.members)}.`));
	onStarted();
}

// --- What can be chosen -----------------------------------------------------------------------

function optionsSet(select, list) {
	const old = select.value, same = list.length === select.options.length &&
		list.every(([value], i) => select.options[i].value === value);

	if (same)
		return;
	select.replaceChildren(...list.map(([value, text]) => element("option", {value}, text)));
	if (list.some(([value]) => value === old))
		select.value = old;
}

export async function groupsRefresh() {
	const {groups} = await get("/v1/groups");

	optionsSet(byId("order-group"), groups.map((g) => [g.group, `${g.group} (${g.profile})`]));
}

export function areasSet(areas) {
	const named = areas.filter((a) => a.name).map((a) => [a.name, a.name]);

	optionsSet(byId("order-area"), [["", "any"], ...named]);
}

// Without the role there is nothing to press, and it says why.
export function permit({who, roles}) {
	const mayOperate = roles.includes("operate"), mayMake = roles.includes("keys");
	const why = byId("order-why-not");

	why.hidden = mayOperate;
	why.textContent = "Starting takes a token with the role operate; " +
		`${who} has: ${roles.join(", ")}.`;
	byId("order").hidden = !mayOperate;
	byId("order-new").disabled = !mayMake;
	byId("order-new-why").textContent = mayMake ? "" : "(takes the role keys)";
}

export function begin(started) {
	onStarted = started;
}

byId("order").addEventListener("submit", (event) => {
	event.preventDefault();
	busily(async (made) => planShow(await planOf(made)));
});
byId("order-start").addEventListener("click", () => busily(start));
byId("order-pace").addEventListener("change", (event) => {
	const label = paces[event.target.value], n = byId("order-pace-n");

	byId("order-pace-box").hidden = n.disabled = label === undefined;
	n.required = label !== undefined;
	n.max = event.target.value === "within" ? 10080 : 100000000;
	byId("order-pace-label").textContent = label || "";
});
