#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The console in a browser: what an operator clicks, and what the page says, against the API. Skipped
(status 77) where there is no Chromium.

    Chromium --> console.listen --> mskpushd == net_vhost == mskpush-ue
"""

import json
import sys
import time

from console_stage import ConsoleStage, secret
from story import GROUP, expect, expect_in, expect_that, tell

try:
    from console_page import By, Keys, Page, is_there
except ImportError:
    print("python3-selenium is not installed")
    sys.exit(77)

MANY = 100000
AREAS = """areas:
  - {name: north, prefixes: 10.0.0.0/16}
  - {name: south, prefixes: 10.1.0.0/16}
"""

# A day of polls, one a second, with nobody looking.
A_DAY = """
const done = arguments[0];
(async () => {
	const plot = await import("/plot.js");
	const nodes = () => document.querySelectorAll("*").length;
	const now = performance.now.bind(performance), start = now(), before = nodes();
	const stats = (n) => ({counters: {pushes: n * 7, verified: n * 6, singles_verified: n, solicits: 2 * n},
		ua: {requests: {"msk-request": {ok: n}}}});
	Object.defineProperty(document, "hidden", {value: true, configurable: true});
	let rates;
	for (let s = 1; s <= 90000; s++) {
		performance.now = () => start + s * 1000;
		rates = plot.add(stats(s), 1.7e9 + s);
	}
	performance.now = now;
	delete document.hidden;
	done([plot.sizes(), rates, nodes() - before]);
})();
"""


PAGE = None


def grouped(number):
    """1234 -> "1,234"."""
    return f"{number:,}"


def a_campaign_of_100_000_is_started_by_clicking_and_ends_as_the_api_says():
    with ConsoleStage() as site:
        site.extra_yaml += AREAS
        site.make_phones(MANY)
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        PAGE.open_live(site)
        PAGE.click("order-dry")
        PAGE.when("the plan stands", lambda: "Plan: nothing was sent" in PAGE.text("plan"))
        expect_in("Members\n100,000\nPushes\n100,000", PAGE.text("plan"))
        expect("campaigns after a dry run", site.cli("campaign", "list")["campaigns"], [])
        PAGE.click("order-start")
        said = PAGE.when("the question", lambda: PAGE.by_id("confirm").text)
        expect_in(f"Push the MSK of {GROUP} to 100,000 phones?", said)
        PAGE.by_id("confirm-n").send_keys("10000" + Keys.ENTER)
        expect_in("That is not 100,000. Nothing was done.", PAGE.text("confirm"))
        PAGE.by_id("confirm-n").send_keys(Keys.BACKSPACE * 5 + "100,000" + Keys.ENTER)
        PAGE.when("the verdict", lambda: PAGE.text("verdict") ==
                  "Campaign 1 is done: all of its 100,000 phones verified.", 120)
        PAGE.when("its row", lambda: PAGE.row(1))
        campaign, row = site.campaign(1), PAGE.row(1)
        expect("verified", campaign["verified"], MANY)
        for label, name in (("Members", "members"), ("Given up", "given_up"), ("Refused", "refused")):
            expect(label, row[label], grouped(campaign[name]))
        expect("row", (row["Verified"], row["Verdict"], row["Campaign"], row["Started, UTC"]),
               (f"{grouped(MANY)} (100 %)", "all verified", f"1 push {GROUP}",
                campaign["started"][:19].replace("T", " ")))
        # They have gone through the plot, within a second or a few. Its points are rates, and what
        # came before the first look is in none.
        points = PAGE.driver.execute_script(
            "return Chart.getChart('plot').data.datasets.map((s) => s.data.map((p) => p.y || 0))")
        expect_that(0 < sum(points[0]) < 2 * MANY, "the plot's pushes", points[0])
        expect_that(0 < sum(points[1]) < 2 * MANY, "the plot's verifications", points[1])
        areas = {area["name"]: area["members"] for area in site_areas(site, 1)}
        expect("areas", areas, {"north": 65536, "south": MANY - 65536})
        for name, members in areas.items():
            PAGE.when(f"area {name}", lambda n=members: f"100 % of {grouped(n)}" in PAGE.text("areas"))
        fate_of_one_phone(site)
        origins = PAGE.driver.execute_script(
            "return [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]")
        expect("where the page fetched from", origins, ["http://%s:%d" % site.console()])
        expect_that(secret("chief") not in PAGE.driver.current_url, "no token in the URL",
                    PAGE.driver.current_url)
        PAGE.expect_quiet()


def site_areas(site, number):
    """The areas of a campaign, by the API."""
    return json.loads(site.ask("GET", f"/v1/campaigns/{number}/areas", "reader")[2])["areas"]


def fate_of_one_phone(site):
    """By IMPI and by B-TID."""
    row = site.rows[4711]
    for name in (row["impi"], row["btid"]):
        PAGE.by_id("phone-id").clear()
        PAGE.by_id("phone-id").send_keys(name + Keys.ENTER)
        PAGE.when("its fate", lambda: row["btid"] in PAGE.text("phone-fate"))
        expect_in(f"Campaign 1, push {GROUP}, MSK 0001: verified, 1 send", PAGE.text("phone-fate"))
        expect_in(f"{GROUP} MSK 0001 ", PAGE.text("phone-fate"))
        expect_in(row["address"], PAGE.text("phone-fate"))
        PAGE.driver.execute_script("document.getElementById('phone-fate').replaceChildren()")


def a_campaign_is_steered_by_its_buttons():
    with ConsoleStage() as site:
        site.make_phones(400)
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        PAGE.open_live(site)
        PAGE.driver.find_element(By.CSS_SELECTOR, "#order-pace option[value=rate]").click()
        PAGE.by_id("order-pace-n").send_keys("1")
        PAGE.click("order-start")
        expect_in("to 400 phones?", PAGE.confirm())
        PAGE.when("its card", lambda: "Campaign 1\nrunning" in PAGE.text("open-campaigns"))
        # A second operator is told who was first.
        PAGE.click("order-start")
        PAGE.confirm()
        PAGE.when("the refusal", lambda: "Go to campaign 1" in PAGE.text("plan"))
        expect("campaigns", len(site.cli("campaign", "list")["campaigns"]), 1)
        PAGE.driver.get_log("browser")  # has the 409
        PAGE.button("Pause").click()
        expect_in("phones have not verified yet", PAGE.confirm(yes=False))
        expect("state after a cancel", site.campaign(1)["state"], "running")
        PAGE.button("Pause").click()
        PAGE.confirm()
        site.campaign_when(1, "paused", lambda c: c["state"] == "paused")
        PAGE.when("its chip", lambda: "Campaign 1\npaused" in PAGE.text("open-campaigns"))
        PAGE.by_id("pace-1").send_keys("3" + Keys.ENTER)
        expect_in("Set campaign 1 to 3 phones a second?", PAGE.confirm())
        site.campaign_when(1, "its pace", lambda c: c["rate"] == 3)
        pending = site.campaign(1)["pending"]
        PAGE.button("Resume").click()
        expect_in(f"for {pending} phones?", PAGE.confirm())
        site.campaign_when(1, "running", lambda c: c["state"] == "running")
        PAGE.when("the button", lambda: "Pause…" in PAGE.text("open-campaigns"))
        PAGE.button("Abort").click()
        said = PAGE.confirm()
        expect_in("of 400 have not verified. They are given up", said)
        ended = site.campaign_end(1)
        expect("state", ended["state"], "aborted")
        PAGE.when("the verdict", lambda: PAGE.text("verdict") == "Campaign 1 was aborted: "
                  f"{ended['verified']} of 400 phones verified, {ended['given_up']} given up.")
        PAGE.expect_quiet()


def the_page_says_that_the_daemon_is_away_and_finds_it_again():
    with ConsoleStage() as site:
        site.start_daemon()
        PAGE.open_live(site)
        PAGE.when("no warning", lambda: not PAGE.by_id("lost").is_displayed())
        site.stop_daemon()
        PAGE.when("it says so", lambda: "The daemon does not answer." in PAGE.text("lost"))
        expect("state", PAGE.text("link-text"), "not reached")
        site.start_daemon()
        PAGE.when("it is live", lambda: PAGE.text("link-text") == "live")
        expect_that(not PAGE.by_id("lost").is_displayed(), "the warning is gone", PAGE.text("lost"))
        expect_in("The daemon was started anew", PAGE.text("warnings"))
        PAGE.driver.get_log("browser")
        before = PAGE.text("clock")
        PAGE.when("its clock goes on", lambda: PAGE.text("clock") != before)
        PAGE.expect_quiet()


def who_may_only_look_has_nothing_to_press():
    with ConsoleStage() as site:
        site.make_phones(20)
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        site.push_begin("--rate", "1")
        PAGE.open(site, "stranger")
        PAGE.when("the refusal", lambda: "a token that the daemon knows" in PAGE.text("gate-error"))
        PAGE.driver.get_log("browser")  # has the 401
        PAGE.open_live(site, "reader")
        PAGE.when("the campaign", lambda: "Campaign 1\nrunning" in PAGE.text("open-campaigns"))
        shown = [b.text for b in PAGE.driver.find_elements(By.TAG_NAME, "button") if b.is_displayed()]
        expect_that(not any(word in text for text in shown for word in
                            ("Start", "Dry", "Pause", "Abort", "Resume", "Set")), "no buttons", shown)
        expect_in("takes a token with the role operate; reader has: ", PAGE.text("order-why-not"))
        PAGE.expect_quiet()
        PAGE.open_live(site, "shift")
        expect_that(PAGE.by_id("order-new").get_attribute("disabled") is not None and
                    PAGE.by_id("order-start").is_displayed(), "an operator starts but makes no MSK",
                    PAGE.text("order"))
        site.cli("campaign", "abort", "1")
        PAGE.click("sign-out")
        PAGE.when("the gate", lambda: PAGE.by_id("gate").is_displayed())
        expect("token", PAGE.driver.execute_script("return sessionStorage.length"), 0)


def tab_to(name, most=80):
    """Presses Tab until an element has the focus; each on the way is seen and has a name."""
    for _ in range(most):
        PAGE.driver.switch_to.active_element.send_keys(Keys.TAB)
        node = PAGE.driver.switch_to.active_element
        seen = PAGE.driver.execute_script("""
            const n = document.activeElement, r = n.getBoundingClientRect(), s = getComputedStyle(n);
            const label = n.labels && n.labels[0] ? n.labels[0].textContent : n.getAttribute("aria-label") || n.textContent;
            const ring = getComputedStyle(n.matches(".choice input") ? n.nextElementSibling : n).outlineStyle;
            return [n.id || n.tagName, label.trim(), r.top < innerHeight && r.bottom > 0, ring];""")
        expect_that(seen[1] != "" and seen[2] and seen[3] == "solid", "a name, in sight, a ring", seen)
        if node.get_attribute("id") == name:
            return
    expect_that(False, f"Tab leads to {name}", PAGE.driver.switch_to.active_element.id)


def it_works_with_a_keyboard_alone():
    with ConsoleStage() as site:
        site.make_phones(50)
        site.start_daemon()
        site.start_phones(site.csv)
        site.provision()
        PAGE.open_live(site)
        active = lambda: PAGE.driver.switch_to.active_element  # noqa: E731
        PAGE.when("a key group", lambda: PAGE.by_id("order-group").get_attribute("value") == GROUP)
        tab_to("order-start")
        active().send_keys(Keys.ENTER)
        PAGE.when("the question", lambda: PAGE.by_id("confirm").is_displayed())
        expect("focus", active().get_attribute("id"), "confirm-no")
        active().send_keys(Keys.ESCAPE)
        PAGE.when("it is gone", lambda: not PAGE.by_id("confirm").is_displayed())
        expect("campaigns", site.cli("campaign", "list")["campaigns"], [])
        expect("focus is back", active().get_attribute("id"), "order-start")
        active().send_keys(Keys.ENTER)
        PAGE.when("the question", lambda: PAGE.by_id("confirm").is_displayed())
        tab_to("confirm-yes", 2)
        active().send_keys(Keys.ENTER)
        PAGE.when("the verdict", lambda: PAGE.text("verdict") ==
                  "Campaign 1 is done: all of its 50 phones verified.")
        expect("the verdict is read out", PAGE.by_id("verdict").get_attribute("aria-live"), "polite")
        PAGE.expect_quiet()


def it_fits_a_phone_and_is_legible_in_light_and_dark():
    with ConsoleStage() as site:
        site.extra_yaml += AREAS
        site.make_phones(300)
        site.start_daemon()
        site.start_phones(site.csv, "--loss", "30")
        site.provision()
        first = site.push_begin("--sends", "1")
        site.campaign_end(first)
        site.push_begin("--rate", "1")
        try:
            PAGE.window(375, 700, True)
            PAGE.open(site)
            PAGE.expect_fits("the gate")
            PAGE.when("it is live", lambda: PAGE.text("link-text") == "live")
            PAGE.when("the card", lambda: "Campaign 2" in PAGE.text("open-campaigns"))
            PAGE.by_id("phone-id").send_keys(site.rows[3]["impi"] + Keys.ENTER)
            PAGE.when("the fate", lambda: "IMPI" in PAGE.text("phone-fate"))
            PAGE.click("order-dry")
            PAGE.when("the plan", lambda: "Plan" in PAGE.text("plan"))
            PAGE.driver.find_element(By.CSS_SELECTOR, "#order summary").click()
            PAGE.button("More", "#history").click()
            PAGE.button("Who has not").click()
            PAGE.when("the list", lambda: "no-answer" in PAGE.text("history"))
            for width in (375, 320):
                PAGE.window(width, 700, True)
                PAGE.expect_fits(f"the page at {width}")
            PAGE.button("Abort").click()
            PAGE.when("the question", lambda: PAGE.by_id("confirm").is_displayed())
            PAGE.expect_fits("the question")
            for scheme in ("light", "dark"):
                PAGE.scheme(scheme)
                PAGE.expect_legible(scheme)
            ground = PAGE.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
            expect("the ground in the dark", ground, "rgb(13, 18, 23)")
            PAGE.confirm(yes=False)
            PAGE.expect_quiet()
            site.cli("campaign", "abort", "2")
        finally:
            PAGE.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            PAGE.scheme("light")


def a_tab_that_is_open_for_a_day_holds_no_more_than_one_of_an_hour():
    with ConsoleStage() as site:
        site.start_daemon()
        PAGE.open_live(site)
        PAGE.driver.set_script_timeout(60)
        sizes, rates, nodes = PAGE.driver.execute_async_script(A_DAY)
        expect("points kept", sizes, [300, 360, 360])
        expect("rates", [round(rate) for rate in rates], [7, 7, 2, 1])
        expect_that(nodes < 20, "elements stay as many", nodes)


def stories():
    """All of them, in one browser."""
    tell(a_campaign_of_100_000_is_started_by_clicking_and_ends_as_the_api_says,
         a_campaign_is_steered_by_its_buttons, who_may_only_look_has_nothing_to_press,
         the_page_says_that_the_daemon_is_away_and_finds_it_again, it_works_with_a_keyboard_alone,
         it_fits_a_phone_and_is_legible_in_light_and_dark,
         a_tab_that_is_open_for_a_day_holds_no_more_than_one_of_an_hour)


if __name__ == "__main__":
    if not is_there():
        print("chromium and chromium-driver are not installed")
        sys.exit(77)
    begin = time.monotonic()
    PAGE = Page()
    print(f"the browser started within {time.monotonic() - begin:.1f} s", flush=True)
    try:
        stories()
    finally:
        PAGE.close()
