// Drives the built page in headless Firefox, which has WebGPU on few systems: what every browser has to do.
//
// The browser is Debian's `firefox-esr` or the one that FIREFOX names.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import puppeteer from "puppeteer-core";

import { inferred } from "./examples.js";
import { serve } from "./server.js";

const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const WEB = join(import.meta.dirname, "..");
const absent = !existsSync(FIREFOX) && `there is no ${FIREFOX}`;

let server;

before(async () => {
  server = await serve(join(WEB, "dist"));
});
after(() => server.close());

test("Firefox gives the answers of infer, and counts costs", { skip: absent }, async () => {
  const browser = await puppeteer.launch({ browser: "firefox", executablePath: FIREFOX, headless: true });
  try {
    const page = await browser.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(server.origin);
    const answered = () => page.waitForFunction(() =>
      document.getElementById("time-cpu").textContent && document.querySelector("#bars li")
        && !document.getElementById("verdict").textContent.includes("…"));
    await answered();
    await page.evaluate(() => {
      document.getElementById("time-cpu").textContent = "";
    });
    await page.click('img[alt="shirt, sample 2"]');
    await answered();
    const bars = await page.$$eval("#bars li", (items) =>
      items.map((item) => [item.firstChild.textContent, Number(item.dataset.probability)]));
    const expected = inferred(join(WEB, "page/samples/shirt-2.png"));
    assert.equal(bars.length, expected.size);
    for (const [name, probability] of bars) {
      assert.ok(Math.abs(expected.get(name) - probability) < 1e-5, `${name}: ${probability} is not ${expected.get(name)}`);
    }
    await page.click("#tab-cost");
    await page.waitForFunction(() => document.getElementById("cost-figures").textContent.includes("138,357,544"));
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
});
