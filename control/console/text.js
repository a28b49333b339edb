// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Texts and elements. Whatever the daemon says becomes text, never markup.

const grouped = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		if (value !== null)
			node.setAttribute(name, value);
	node.append(...children);
	return node;
}

// Writes only what has changed: a region that is read aloud is not read again for nothing.
export function write(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

export const number = (n) => grouped.format(n);
export const phones = (n) => `${number(n)} ${n === 1 ? "phone" : "phones"}`;

export function percent(part, whole) {
	const value = whole > 0 ? 100 * part / whole : 0;

	// Nothing short of all looks like all.
	if (part < whole && value > 99.9)
		return "99.9 %";
	return `${value.toFixed(value > 0 && part < whole ? 1 : 0)} %`;
}

export function duration(seconds) {
	const s = Math.round(seconds);

	if (seconds < 10)
		return `${seconds.toFixed(1)} s`;
	if (s < 120)
		return `${s} s`;
	if (s < 7200)
		return `${Math.floor(s / 60)} min ${s % 60} s`;
	if (s < 172800)
		return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
	return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

// "2026-11-27 12:00:01" of an RFC 3339 time in UTC.
export const time = (text) => text ? text.slice(0, 19).replace("T", " ") : "–";
export const clock = (unixS) => new Date(unixS * 1000).toISOString().slice(11, 19);

// "3 no-muk, 1 left"
export const counts = (object) =>
	Object.entries(object).map(([word, n]) => `${number(n)} ${word}`).join(", ");
// A limit of phones per second; 0: there is none.
export const limit = (rate) => rate > 0 ? `${number(rate)}/s` : "none";

export function pairs(list) {
	const dl = element("dl", {class: "facts-list"});

	for (const [name, value] of list)
		if (value !== null && value !== undefined && value !== "")
			dl.append(element("dt", {}, name), element("dd", {}, String(value)));
	return dl;
}

const stalls = {
	pace: "its pace allows no more now",
	port: "the port takes no frames",
	"no-gateway-mac": "the MAC of the next hop is not known",
	"link-down": "the link of the port is down",
	"port-gone": "the port's device is gone",
	"counter-mark": "the counter mark has not moved on",
	"counter-ahead": "counters would run too far ahead of the clock",
	http: "phones are asked no faster than the HTTP side can serve them",
	trial: "the answers of the first phones are waited for",
};
export const stall = (word) => stalls[word] || word;

export function verdict(c) {
	const how = c.state === "aborted" ? "was aborted" : "is done";
	const rest = [];

	if (c.members === 0)
		return `Campaign ${c.id} ${how}: it had no members.`;
	if (c.verified === c.members)
		return `Campaign ${c.id} ${how}: all of its ${phones(c.members)} verified.`;
	if (c.given_up > 0)
		rest.push(`${number(c.given_up)} given up`);
	if (c.refused > 0)
		rest.push(`${number(c.refused)} refused (${counts(c.refused_by)})`);
	rest.unshift(`${number(c.verified)} of ${phones(c.members)} verified`);
	return `Campaign ${c.id} ${how}: ${rest.join(", ")}.`;
}

export const isEnded = (c) => c.state === "done" || c.state === "aborted";
export const mskText = (msk) => msk.check ? `${msk.number} (${msk.check})` : msk.number;

// A bar of parts in the order verified, given up, refused.
export function bar(label) {
	const names = ["verified", "given-up", "refused"];

	return element("div",
		{class: "bar", role: "progressbar", "aria-valuemin": 0, "aria-label": label},
		...names.map((name) => element("span", {class: name})));
}

export function barSet(node, c) {
	const values = [c.verified, c.given_up, c.refused];

	values.forEach((n, i) => {
		node.children[i].style.width = `${c.members > 0 ? 100 * n / c.members : 0}%`;
	});
	node.setAttribute("aria-valuemax", c.members);
	node.setAttribute("aria-valuenow", c.members - c.pending);
	node.setAttribute("aria-valuetext", `${percent(c.verified, c.members)} verified`);
}

// A cell of a table that becomes a card where there is no room; kind: "n" of numbers, "whole" of
// what takes a line of the card for itself.
export function cell(label, content, kind = null) {
	return element("td", {"data-label": label, class: kind}, content);
}
