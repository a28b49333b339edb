// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Calls of the admin API (docs/admin-api.md). The token lives in this tab's session storage and
// leaves it in a header only.

const KEY = "mskpush-token";
const TIMEOUT_MS = 10000;

export const token = {
	get: () => sessionStorage.getItem(KEY),
	set: (text) => sessionStorage.setItem(KEY, text),
	forget: () => sessionStorage.removeItem(KEY),
};

// The daemon answered that it will not.
export class Refusal extends Error {
	constructor(status, body) {
		super(body.message || `The daemon answered with ${status}.`);
		this.status = status;
		this.word = body.error || "";
		this.campaign = body.campaign || 0; // that stands in the way
	}
}

// Nobody answered.
export class Lost extends Error {}

async function answerRead(response) {
	try {
		return await response.json();
	} catch {
		throw new Lost("What answers is not mskpushd, or its answer was cut off.");
	}
}

export async function call(method, path, body, timeoutMs = TIMEOUT_MS) {
	const options = {
		method,
		headers: {Authorization: `Bearer ${token.get() || ""}`},
		cache: "no-store",
		credentials: "omit",
		redirect: "error",
		signal: AbortSignal.timeout(timeoutMs),
	};
	let response;

	if (body !== undefined) {
		options.headers["Content-Type"] = "application/json";
		options.body = JSON.stringify(body);
	}
	try {
		response = await fetch(path, options);
	} catch (error) {
		throw new Lost(error.name === "TimeoutError" ?
			`No answer within ${timeoutMs / 1000} s.` : "The daemon does not answer.");
	}
	const answer = await answerRead(response);
	if (!response.ok)
		throw new Refusal(response.status, answer);
	return answer;
}

export const get = (path) => call("GET", path);
// What has to find members first may take long with millions of them.
export const order = (method, path, body) => call(method, path, body, 120000);
