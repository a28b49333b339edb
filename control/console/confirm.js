// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Asks before something is done to phones, and names how many they are.

import {byId, element, number, phones} from "./text.js";

const TYPED_ABOVE = 10000; // as `mskpush push`: the number is to be typed

function isTyped(count) {
	return byId("confirm-n").value.replace(/[\s,.'_]/g, "") === String(count);
}

// {title, lines, count, verb}, and what is false unless given: isDanger (red), isSafe (Enter goes
// on), isCountTyped. Resolves to whether to go on.
export function confirm({title, lines, count, verb, isDanger, isSafe, isCountTyped}) {
	const dialog = byId("confirm"), yes = byId("confirm-yes");
	const asks = isCountTyped && count > TYPED_ABOVE;

	byId("confirm-title").textContent = title;
	byId("confirm-text").replaceChildren(...lines.map((line) => element("p", {}, line)));
	byId("confirm-count").hidden = !asks;
	byId("confirm-label").textContent = `That is ${phones(count)}. Type the number to go on.`;
	byId("confirm-n").value = "";
	byId("confirm-error").textContent = "";
	yes.textContent = verb;
	yes.classList.toggle("danger", isDanger === true);
	dialog.showModal();
	(asks ? byId("confirm-n") : isSafe ? yes : byId("confirm-no")).focus();
	return new Promise((resolve) => {
		const end = (isYes) => {
			listeners.abort();
			dialog.close();
			resolve(isYes);
		};
		const listeners = new AbortController(), {signal} = listeners;

		byId("confirm-no").addEventListener("click", () => end(false), {signal});
		dialog.addEventListener("cancel", (event) => {
			event.preventDefault();
			end(false);
		}, {signal});
		byId("confirm-form").addEventListener("submit", (event) => {
			event.preventDefault();
			if (!asks || isTyped(count))
				end(true);
			else
				byId("confirm-error").textContent =
					`That is not ${number(count)}. Nothing was done.`;
		}, {signal});
	});
}
