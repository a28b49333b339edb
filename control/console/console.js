// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The console: who looks, and what is asked of the daemon when.
//
// Counters and status are polled once a second, every five when nobody sees the page. When the
// daemon does not answer, the page says since when, and asks again after 1, 2, 4, 8, 15 s.

import * as areas from "./areas.js";
import * as campaigns from "./campaigns.js";
import * as history from "./history.js";
import * as phone from "./phone.js";
import * as plot from "./plot.js";
import * as start from "./start.js";
import {get, token} from "./api.js";
import {byId, duration, element, isEnded, number, time, verdict, write} from "./text.js";

const POLL_MS = 1000, HIDDEN_MS = 5000, LISTS_MS = 30000;
const BACK_OFF_MS = [1000, 2000, 4000, 8000, 15000];
const HEADROOM_LEAST_S = 30 * 86400;
const RESTART_TOLD_MS = 600000;

let timer = 0, isEntered = false, isPolling = false, failures = 0, lostSince = null;
let daemon = null; // pid and start of the one that answered
let restarted = null; // {at, until}
let listsAt = 0;

// --- What is wrong ----------------------------------------------------------------------------

function warningsOf(status) {
	const list = [];

	for (const p of status.ports)
		if (p.state !== "up")
			list.push(`Port ${p.name} is ${p.state}${p.why ? `: ${p.why}` : ""}.`);
	for (const h of status.next_hops)
		if (h.stall !== null)
			list.push(`Next hop ${h.via} on ${h.port} cannot be used: ${h.stall}.`);
	if (status.store.damaged_blocks > 0)
		list.push(`The store has ${number(status.store.damaged_blocks)} damaged blocks: ` +
			"mskpush-store check lists them.");
	if (status.clock.headroom_s < HEADROOM_LEAST_S)
		list.push(`The replay counter has only ${duration(status.clock.headroom_s)} left.`);
	if (restarted !== null && Date.now() < restarted.until)
		list.push(`The daemon was started anew at ${restarted.at} UTC.`);
	return list;
}

function warningsShow(list) {
	const box = byId("warnings"), text = list.join("\n");

	if (box.dataset.text === text)
		return;
	box.dataset.text = text;
	box.hidden = list.length === 0;
	box.replaceChildren(...list.map((line) => element("li", {}, line)));
}

// --- What is ----------------------------------------------------------------------------------

function daemonShow(status) {
	const seen = `${status.pid} ${status.started}`;

	if (daemon !== null && daemon !== seen) {
		restarted = {at: time(status.started), until: Date.now() + RESTART_TOLD_MS};
		plot.gap();
		areas.gap();
		listsAt = 0;
	}
	daemon = seen;
	write(byId("fact-daemon"), [status.version, `up ${duration(status.uptime_s)}`,
		`${number(status.store.subscribers)} subscribers`, status.crypto].join(", "));
	write(byId("clock"), time(status.clock.now).slice(11));
}

function verdictShow(c) {
	const box = byId("verdict"), isWhole = c.verified === c.members && c.state === "done";

	write(box, verdict(c));
	box.className = `verdict ${isWhole ? "is-whole" : "is-short"}`;
}

async function listsRefresh() {
	await Promise.all([history.refresh(), start.groupsRefresh()]);
	listsAt = Date.now();
	const last = history.newest().find(isEnded);

	if (last)
		verdictShow(last);
}

async function look() {
	const [stats, status] = await Promise.all([get("/v1/stats"), get("/v1/status")]);
	const atS = Date.parse(status.clock.now) / 1000;

	daemonShow(status);
	plot.add(stats, atS);
	const ended = campaigns.show(status.campaigns), open = status.campaigns.at(-1);

	if (ended.length > 0) {
		listsAt = 0;
		areas.refresh();
	}
	if (Date.now() - listsAt > LISTS_MS)
		await listsRefresh();
	const newest = open || history.newest()[0];

	areas.show(status.areas, newest ? newest.id : null, open !== undefined);
	start.areasSet(status.areas);
	warningsShow(warningsOf(status));
}

// --- When -------------------------------------------------------------------------------------

function linkShow(text, isLost) {
	document.body.classList.toggle("is-lost", isLost);
	write(byId("link-text"), text);
	byId("lost").hidden = !isLost;
}

function lost(error) {
	const wait = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)];

	failures++;
	if (lostSince === null) {
		lostSince = new Date().toISOString().slice(11, 19);
		plot.gap();
		areas.gap();
	}
	linkShow("not reached", true);
	write(byId("lost-text"), `${error.message} What you see is from ${lostSince} UTC or ` +
		"before. It is asked again by itself.");
	return wait;
}

function found() {
	failures = 0;
	lostSince = null;
	linkShow("live", false);
	return document.hidden ? HIDDEN_MS : POLL_MS;
}

async function poll() {
	const beganAt = Date.now();
	let wait;

	if (isPolling || !isEntered)
		return;
	isPolling = true;
	clearTimeout(timer);
	try {
		await look();
		wait = Math.max(found() - (Date.now() - beganAt), 100);
	} catch (error) {
		isPolling = false;
		if (error.status === 401 || error.status === 403) {
			gateShow(`${error.message} Sign in again.`);
			return;
		}
		wait = lost(error);
	}
	isPolling = false;
	timer = setTimeout(poll, wait);
}

// --- Who --------------------------------------------------------------------------------------

function gateShow(why = "") {
	token.forget();
	clearTimeout(timer);
	isEntered = false;
	byId("console").hidden = true;
	byId("gate").hidden = false;
	byId("gate-error").textContent = why;
	byId("token").value = "";
	byId("phone-fate").replaceChildren();
	byId("token").focus();
}

async function enter() {
	const api = await get("/v1/api");

	const roles = api.roles.filter((role) => role !== "metrics");

	write(byId("who"), `${api.who}: ${roles.join(", ")}`);
	start.permit(api);
	campaigns.permit(api.roles.includes("operate"));
	phone.callsSet(api.calls);
	byId("gate").hidden = true;
	byId("console").hidden = false;
	plot.begin();
	isEntered = true;
	poll();
}

// A page that is loaded while the daemon is away keeps its token and waits for it.
async function enterAgain() {
	clearTimeout(timer);
	try {
		await enter();
	} catch (error) {
		if (error.status)
			return gateShow(error.message);
		byId("console").hidden = false;
		timer = setTimeout(enterAgain, lost(error));
	}
}

byId("gate-form").addEventListener("submit", async (event) => {
	event.preventDefault();
	token.set(byId("token").value.trim());
	try {
		await enter();
		byId("now").focus();
	} catch (error) {
		gateShow(error.message);
	}
});
// Whoever comes next finds nothing of who was here.
byId("sign-out").addEventListener("click", () => {
	token.forget();
	location.reload();
});
byId("lost-again").addEventListener("click", () => isEntered ? poll() : enterAgain());
document.addEventListener("visibilitychange", () => document.hidden || poll());

start.begin(() => {
	listsAt = 0;
	poll();
});
if (token.get() === null)
	gateShow();
else
	enterAgain();
