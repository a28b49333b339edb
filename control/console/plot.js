// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Messages per second: counters become rates, rates go into rings of fixed size, the plot shows one
// of them. Memory is the same after a day as after ten minutes.

import {byId, clock, element, number, write} from "./text.js";

const lines = [
	{name: "push", title: "Pushes", dash: []},
	{name: "verified", title: "Verifications", dash: []},
	{name: "solicit", title: "Solicits", dash: [7, 4]},
	{name: "pull", title: "Pulls", dash: [2, 3]},
];
// Seconds a point stands for, and points that are kept.
const spans = [{step: 1, size: 300}, {step: 10, size: 360}, {step: 240, size: 360}];
const TICKS_S = [60, 600, 14400];

const rings = spans.map(() => ({points: [], counts: null, from: 0}));
let chart = null, shown = 0, before = null, legend = [];

export function counterValues(stats) {
	const c = stats.counters;
	const pulls = stats.ua.requests["msk-request"].ok || 0;

	return [c.pushes, c.verified + c.singles_verified, c.solicits, pulls];
}

function ringAdd(ring, {step, size}, atS, gained, seconds) {
	ring.counts = ring.counts || {sum: gained.map(() => 0), seconds: 0};
	gained.forEach((n, i) => { ring.counts.sum[i] += n; });
	ring.counts.seconds += seconds;
	if (ring.counts.seconds < step * 0.75)
		return;
	ring.points.push({x: atS, y: ring.counts.sum.map((n) => n / ring.counts.seconds)});
	ring.counts = null;
	while (ring.points.length > size)
		ring.points.shift();
}

// A line does not lead over what nobody has seen.
export function gap() {
	before = null;
	for (const ring of rings) {
		const last = ring.points.at(-1);

		ring.counts = null;
		if (last && last.y)
			ring.points.push({x: last.x + 0.001, y: null});
	}
}

// Takes counters as they stand now; returns the rates since the last time, null at first.
export function add(stats, atS) {
	const values = counterValues(stats), now = performance.now() / 1000;
	const then = before;

	before = {values, now};
	if (then === null || values.some((n, i) => n < then.values[i]))
		return null;
	const gained = values.map((n, i) => n - then.values[i]);
	const seconds = Math.max(now - then.now, 0.001);

	rings.forEach((ring, i) => ringAdd(ring, spans[i], atS, gained, seconds));
	const rates = gained.map((n) => n / seconds);
	legend.forEach(({value}, i) => write(value, `${number(rates[i])}/s`));
	draw(atS);
	return rates;
}

function draw(atS) {
	if (document.hidden)
		return;
	const {step, size} = spans[shown], points = rings[shown].points;

	chart.data.datasets.forEach((set, i) => {
		set.data = points.map((p) => ({x: p.x, y: p.y ? p.y[i] : NaN}));
	});
	chart.options.scales.x.max = Math.floor(atS);
	chart.options.scales.x.min = Math.floor(atS) - step * size;
	chart.options.scales.x.ticks.stepSize = TICKS_S[shown];
	chart.update("none");
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function paint() {
	chart.data.datasets.forEach((set, i) => {
		set.borderColor = colour(`--${lines[i].name}`);
	});
	for (const axis of Object.values(chart.options.scales)) {
		axis.grid.color = axis.grid.borderColor = colour("--line");
		axis.ticks.color = colour("--muted");
	}
	chart.update("none");
}

function legendMake() {
	const box = byId("plot-legend");

	legend = lines.map(({name, title}, i) => {
		const value = element("b", {}, "–");
		const key = element("span", {class: "key", "aria-hidden": "true"});
		const button = element("button",
			{type: "button", class: name, "aria-pressed": "true"}, key, title, value);

		button.addEventListener("click", () => {
			const isShown = button.getAttribute("aria-pressed") !== "true";

			button.setAttribute("aria-pressed", String(isShown));
			chart.setDatasetVisibility(i, isShown);
			chart.update("none");
		});
		box.append(button);
		return {value};
	});
}

// Both axes are linear: that of time counts seconds.
function axis(ticks, more = {}) {
	const all = {maxRotation: 0, font: {size: 11}, ...ticks};

	return {type: "linear", grid: {}, ticks: all, ...more};
}

const tooltip = {callbacks: {
	title: (items) => `${clock(items[0].parsed.x)} UTC`,
	label: (item) => `${item.dataset.label} ${number(item.parsed.y)}/s`,
}};

function chartMake() {
	const datasets = lines.map(({title, dash}) => ({
		label: title, data: [], borderDash: dash, borderWidth: 2,
		pointRadius: 0, pointHitRadius: 6, spanGaps: false,
	}));
	const options = {
		animation: false, maintainAspectRatio: false, parsing: false, normalized: true,
		interaction: {mode: "index", intersect: false},
		plugins: {legend: {display: false}, tooltip},
		scales: {
			x: axis({includeBounds: false, callback: (v) => clock(v).slice(0, 5)}),
			y: axis({maxTicksLimit: 6, precision: 0, callback: (v) => number(v)},
				{beginAtZero: true, suggestedMax: 10}),
		},
	};

	return new window.Chart(byId("plot"), {type: "line", data: {datasets}, options});
}

export function begin() {
	if (chart !== null)
		return;
	legendMake();
	chart = chartMake();
	paint();
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
	byId("plot-span").addEventListener("change", (event) => {
		shown = Number(event.target.value);
		draw(Date.now() / 1000);
	});
}

// For who looks whether memory stays flat.
export const sizes = () => rings.map((ring) => ring.points.length);
