# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""A browser with the console in it. ImportError where there is no python3-selenium."""

import os

from console_stage import secret
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from story import expect, expect_that, wait_until

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"

# Texts whose colour does not stand out from what is behind it by 4.5 to 1 (WCAG 2.1, 1.4.3).
FAINT = """
const channel = (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
function behind(node) {
	for (; node; node = node.parentElement) {
		const c = parse(getComputedStyle(node).backgroundColor);
		if (c.length === 3 || c[3] > 0.99) return c;
	}
	return [255, 255, 255];
}
const faint = [];
for (const node of document.querySelectorAll("body *")) {
	const hasText = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
	if (!hasText || !node.checkVisibility() || node.matches(":disabled, option, :disabled *")) continue;
	const a = light(parse(getComputedStyle(node).color)), b = light(behind(node));
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	if (ratio < 4.5) faint.push(`${node.tagName} ${node.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
}
return faint;
"""

# What would make the page wider than its window.
WIDE = """
const room = document.documentElement.clientWidth;
const wide = document.documentElement.scrollWidth > room ? [...document.querySelectorAll("body *")].filter(
	(n) => n.checkVisibility() && n.getBoundingClientRect().right > room + 1).map((n) => `${n.tagName} ${n.id} ${n.className}`) : [];
return [document.documentElement.scrollWidth > room, wide.slice(0, 5)];
"""


def is_there():
    """Whether there is a browser, and what drives it."""
    return os.path.exists(BROWSER) and os.path.exists(DRIVER)


class Page:
    """A browser with a console in it."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        # Root has no sandbox, containers have a small /dev/shm.
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--window-size=1280,900", "--no-first-run"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def close(self):
        """Ends the browser."""
        self.driver.quit()

    def by_id(self, name):
        """An element."""
        return self.driver.find_element(By.ID, name)

    def text(self, name):
        """What an element says, '' while it is hidden."""
        return self.by_id(name).text

    def click(self, name):
        """Clicks an element by its id."""
        self.by_id(name).click()

    def button(self, text, within="body"):
        """A visible button by the beginning of its text."""
        return next(b for b in self.driver.find_elements(By.CSS_SELECTOR, within + " button")
                    if b.is_displayed() and b.text.startswith(text))

    def when(self, what, probe, timeout_s=30):
        """Waits until the page is so."""
        return wait_until(what, probe, timeout_s,
                          lambda: self.driver.execute_script("return document.body.innerText"))

    def open(self, site, name="chief"):
        """Loads the page and signs in."""
        url = "http://%s:%d/" % site.console()
        if self.driver.current_url != url:
            self.driver.get(url)
        elif self.by_id("sign-out").is_displayed():
            self.click("sign-out")
        self.driver.get_log("browser")
        self.when("the gate stands", lambda: self.by_id("gate").is_displayed())
        self.driver.switch_to.active_element.send_keys(secret(name) + Keys.ENTER)

    def open_live(self, site, name="chief"):
        """The same, until it shows something."""
        self.open(site, name)
        self.when("it is live", lambda: self.text("link-text") == "live")

    def window(self, width, height, is_phone=False):
        """Size of the window."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone})

    def scheme(self, name):
        """Light or dark."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": name}]})

    def confirm(self, yes=True):
        """Answers the question that stands; returns what it said."""
        said = self.when("a question stands", lambda: self.by_id("confirm").text)
        self.click("confirm-yes" if yes else "confirm-no")
        return said

    def expect_quiet(self):
        """The browser had nothing to complain of."""
        expect("the browser's complaints", self.driver.get_log("browser"), [])

    def row(self, number):
        """A campaign's row of the history: label -> text; None while there is none."""
        rows = self.driver.find_elements(By.CSS_SELECTOR, f'#history tr[data-id="{number}"]')
        return {cell.get_attribute("data-label"): cell.text
                for cell in rows[0].find_elements(By.TAG_NAME, "td")} if rows else None

    def expect_fits(self, what):
        """No sideways scrolling."""
        is_wide, parts = self.driver.execute_script(WIDE)
        expect_that(not is_wide, f"{what} fits its window", parts)

    def expect_legible(self, what):
        """Texts stand out from what is behind them."""
        expect(f"faint texts, {what}", self.driver.execute_script(FAINT), [])
