// Drives the built page in headless Chromium and compares it with the command-line programs.
//
//     npm install && npm test          after examples/web/build.sh
//
// The browser is Debian's `chromium` or the one that CHROMIUM names.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open } from "./browser.js";
import { example, inferred } from "./examples.js";
import { serve } from "./server.js";

const WEB = join(import.meta.dirname, "..");
const SAMPLES = join(WEB, "page/samples");
/** How much probabilities may differ between a GPU and infer's CPU, and between two CPUs. */
const TOLERANCE = { gpu: 1e-3, cpu: 1e-5 };
/** A GPU played by the CPU compiles its programs for long. */
const SLOW = 120_000;

let server;
let folder;

before(async () => {
  server = await serve(join(WEB, "dist"));
  folder = mkdtempSync(join(tmpdir(), "vgg-web-"));
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** Probabilities by class, as the page shows them. */
async function shown(page) {
  const bars = await page.locator("#bars li").evaluateAll((items) =>
    items.map((item) => [item.firstChild.textContent, Number(item.dataset.probability)]));
  return new Map(bars);
}

function assertEqual(found, expected, tolerance = TOLERANCE.cpu) {
  assert.equal(found.size, expected.size);
  for (const [name, probability] of expected) {
    assert.ok(Math.abs(found.get(name) - probability) < tolerance, `${name}: ${found.get(name)} is not ${probability}`);
  }
}

const answered = (page, backend = "cpu") =>
  page.waitForFunction(
    (id) => document.getElementById(id).textContent && document.querySelector("#bars li")
      && !document.getElementById("verdict").textContent.includes("…"),
    `time-${backend}`, { timeout: SLOW });

/** Opens the page in a new browser, and closes that whatever happens. */
async function withPage(options, work) {
  const browser = await launch({ webgpu: false, ...options });
  try {
    const opened = await open(browser, server.origin, options?.context);
    await work(opened);
    assert.deepEqual(opened.complaints, []);
  } finally {
    await browser.close();
  }
}

/** Does something, and waits until the answer to it is shown. */
async function next(page, act, backend) {
  await page.evaluate((id) => {
    document.getElementById(id).textContent = "";
  }, `time-${backend ?? "cpu"}`);
  await act();
  await answered(page, backend);
}

test("the first answer comes soon, with less than 3 MB", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    const time = await page.evaluate(() => performance.getEntriesByName("first answer")[0].startTime);
    console.log(`first answer after ${Math.round(time)} ms, ${server.total()} bytes sent`);
    assert.ok(time < 2000, `${time} ms`);
    assert.ok(server.total() < 3e6, `${server.total()} bytes`);
    assert.match(await page.textContent("#verdict"), /T-shirt/);
  });
});

test("a sample gives on the CPU what infer says", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    await next(page, () => page.getByRole("button", { name: "shirt, sample 2", exact: true }).click());
    assertEqual(await shown(page), inferred(join(SAMPLES, "shirt-2.png")));
  });
});

test("a sample gives on WebGPU what infer says", async () => {
  await withPage({ webgpu: true }, async ({ page }) => {
    await answered(page);
    const choice = page.getByRole("radio", { name: /WebGPU/ });
    await page.waitForFunction(() => !document.querySelector('input[value="webgpu"]').disabled);
    assert.match(await page.textContent("#about-webgpu"), /swiftshader/i);
    await next(page, () => choice.check(), "webgpu");
    await next(page, () => page.getByRole("button", { name: "bag, sample 1" }).click(), "webgpu");
    assertEqual(await shown(page), inferred(join(SAMPLES, "bag-1.png")), TOLERANCE.gpu);
  });
});

test("a dropped picture is prepared as infer does it", async () => {
  const file = join(folder, "dropped.png");
  await withPage({}, async ({ page }) => {
    await answered(page);
    // A large picture, dark on white and off its centre.
    const url = await page.evaluate(() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 200 });
      const context = canvas.getContext("2d");
      context.fillStyle = "white";
      context.fillRect(0, 0, 300, 200);
      context.fillStyle = "#345";
      context.fillRect(40, 60, 90, 110);
      context.fillRect(60, 30, 50, 40);
      return canvas.toDataURL("image/png");
    });
    writeFileSync(file, Buffer.from(url.split(",")[1], "base64"));
    await next(page, () => drop(page, "dropped.png", readFileSync(file)));
    assertEqual(await shown(page), inferred(file));
  });
});

/** Drops a file on the page. */
async function drop(page, name, bytes) {
  const transfer = await page.evaluateHandle(({ name: title, list }) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(list)], title));
    return data;
  }, { name, list: [...bytes] });
  for (const type of ["dragenter", "dragover", "drop"]) {
    await page.dispatchEvent("#drop", type, { dataTransfer: transfer });
  }
}

/** A field of the view Cost. */
const field = (page, name) => page.locator(`#cost-form [name="${name}"]`);

test("the costs are those of the example", async () => {
  await withPage({}, async ({ page }) => {
    await page.getByRole("tab", { name: "Cost" }).click();
    await field(page, "network").selectOption("vgg19");
    await field(page, "network").selectOption("vgg16");
    const figures = page.locator("#cost-figures");
    await figures.getByText("138,357,544").waitFor();
    await figures.getByText("15,470,264,320 MAC").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "download JSON" }).click(),
    ]);
    const found = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.deepEqual(found, JSON.parse(example("cost", "vgg16", "--format", "json")));

    await field(page, "optimizer").selectOption("adam");
    await field(page, "batch").fill("8");
    await field(page, "convention").selectOption("flops");
    await figures.getByText("Backward pass").waitFor();
    const [csv] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "download CSV" }).click(),
    ]);
    const options = ["--train", "--optimizer", "adam", "--convention", "flops", "--input", "8x3x224x224"];
    const expected = example("cost", "vgg16", ...options, "--format", "csv");
    assert.equal(readFileSync(await csv.path(), "utf8").trim(), expected.trim());

    // Folded rows still add up.
    await field(page, "depth").selectOption("1");
    await page.waitForFunction(() => document.querySelectorAll("#cost-table tbody tr").length < 10);
    await field(page, "height").fill("8");
    await page.locator("#cost-error").getByText("does not survive 5 poolings").waitFor();
    await field(page, "height").fill("64");
    await page.locator("#cost-result").waitFor();
  });
});

test("files of no use give a message, and the page stays usable", async () => {
  const weights = readFileSync(join(WEB, "dist/fashion-mnist.safetensors"));
  const files = [
    ["cut off.safetensors", weights.subarray(0, 5000), /cut off\.safetensors: \d+ bytes expected by its header, found 5000/],
    ["notes.safetensors", Buffer.from("These are notes and no weights."), /notes\.safetensors: not a safetensors file/],
  ];
  await withPage({}, async ({ page }) => {
    await answered(page);
    for (const [name, bytes, message] of files) {
      const file = join(folder, name);
      writeFileSync(file, bytes);
      await page.setInputFiles("#weights", file);
      await page.locator("#messages p").filter({ hasText: message }).waitFor();
    }
    const text = join(folder, "notes.txt");
    writeFileSync(text, "no picture");
    await page.setInputFiles("#picture", text);
    await page.locator("#messages p").filter({ hasText: "neither a PNG nor a JPEG" }).waitFor();
    await next(page, () => page.getByRole("button", { name: "bag, sample 1" }).click());
    assertEqual(await shown(page), inferred(join(SAMPLES, "bag-1.png")));
    assert.equal(await page.locator("#messages p").count(), 0);
  });
});

test("weights are dropped like pictures", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    await next(page, () => drop(page, "own.safetensors", readFileSync(join(WEB, "dist/fashion-mnist.safetensors"))));
    await page.getByText(/^own\.safetensors: [\d,]+ parameters/).waitFor();
    await drop(page, "own.pth", Buffer.from("PK"));
    await page.locator("#messages p").filter({ hasText: "safetensors.torch.save_file" }).waitFor();
  });
});

test("once loaded it works without a network", async () => {
  await withPage({}, async ({ page, context }) => {
    await answered(page);
    // `ready` itself waits for ever where a file is missing.
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    await context.setOffline(true);
    await page.reload();
    await next(page, () => page.getByRole("button", { name: "bag, sample 1" }).click());
    assertEqual(await shown(page), inferred(join(SAMPLES, "bag-1.png")));
    await page.getByRole("tab", { name: "Cost" }).click();
    await page.locator("#cost-figures").getByText("138,357,544").waitFor();
  });
});

test("own weights are taken", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    const before = await shown(page);
    await next(page, () => page.setInputFiles("#weights", join(WEB, "dist/fashion-mnist.safetensors")));
    await page.getByText(/^fashion-mnist\.safetensors: [\d,]+ parameters/).waitFor();
    assertEqual(await shown(page), before);
  });
});

test("WebGPU sees the same parts speak for a class", async () => {
  await withPage({ webgpu: true }, async ({ page }) => {
    await answered(page);
    await page.waitForFunction(() => !document.querySelector('input[value="webgpu"]').disabled);
    const pictures = [];
    for (const backend of ["cpu", "webgpu"]) {
      const choice = page.locator(`input[value="${backend}"]`);
      if (!(await choice.isChecked())) await next(page, () => choice.check(), backend);
      await page.evaluate(() => document.getElementById("maps").replaceChildren());
      await page.getByRole("tab", { name: "Inside" }).click();
      await page.locator("#maps figure").nth(3).waitFor({ timeout: SLOW });
      pictures.push(await page.locator("#cam").evaluate(pixels));
      await page.getByRole("tab", { name: "Classify" }).click();
    }
    const [cpu, gpu] = pictures;
    assert.equal(cpu.length, gpu.length);
    assert.ok(cpu.every((value, index) => Math.abs(value - gpu[index]) <= 2));
  });
});

/** A canvas's colours; read from a copy, as Chromium warns of canvases that are read often. */
function pixels(canvas) {
  const { width, height } = canvas;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(canvas, 0, 0);
  return [...context.getImageData(0, 0, width, height).data];
}

test("the view Inside shows maps of every block and the parts that speak for a class", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    await page.getByRole("tab", { name: "Inside" }).click();
    await page.locator("#maps figure").nth(3).waitFor({ timeout: SLOW });
    assert.deepEqual(await page.locator("#maps figcaption").allTextContents(), [
      "relu1_2: 16 maps of 28×28", "relu2_2: 32 maps of 14×14", "relu3_3: 64 maps of 7×7",
      "relu4_3: 128 maps of 3×3, the first 64",
    ]);
    const heat = () => page.locator("#cam").evaluate((canvas) => canvas.toDataURL());
    const caption = page.locator("#cam-caption");
    const first = await heat();
    await page.locator("#cam-layer").selectOption("relu3_3");
    await caption.getByText("at relu3_3").waitFor();
    const second = await heat();
    await page.locator("#cam-class").selectOption("Dress");
    await caption.getByText("“Dress”").waitFor();
    assert.equal(new Set([first, second, await heat()]).size, 3);
  });
});

test("where WebGPU fails the CPU takes over", async () => {
  const browser = await launch({ webgpu: true });
  try {
    const { page, context } = await open(browser, server.origin);
    await answered(page);
    await context.route("**/webgpu/**", (route) => route.fulfill({ status: 404 }));
    await page.waitForFunction(() => !document.querySelector('input[value="webgpu"]').disabled);
    await page.getByRole("radio", { name: /WebGPU/ }).check();
    await page.locator("#messages p").filter({ hasText: "WebGPU has failed, and the CPU takes over" }).waitFor();
    assert.ok(await page.locator('input[value="cpu"]').isChecked());
    assert.match(await page.textContent("#verdict"), /T-shirt/);
  } finally {
    await browser.close();
  }
});

test("without WebGPU the page says so and uses the CPU", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    assert.match(await page.textContent("#about-webgpu"), /everything runs on the CPU/);
    assert.ok(await page.getByRole("radio", { name: /WebGPU/ }).isDisabled());
  });
});

test("without vector instructions the page says so", async () => {
  const browser = await launch({ webgpu: false });
  try {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      WebAssembly.validate = () => false;
    });
    await page.goto(server.origin);
    await page.locator("#messages p").filter({ hasText: "no vector instructions (SIMD)" }).waitFor();
  } finally {
    await browser.close();
  }
});

test("the keyboard is enough", async () => {
  await withPage({}, async ({ page }) => {
    await answered(page);
    await page.getByRole("tab", { name: "Classify" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("#inside").waitFor();
    await page.keyboard.press("End");
    await page.locator("#cost-figures").getByText("138,357,544").waitFor();
    await page.keyboard.press("Home");
    const sample = page.getByRole("button", { name: "trouser, sample 1" });
    await sample.focus();
    await next(page, () => page.keyboard.press("Enter"));
    assert.match(await page.textContent("#verdict"), /Trouser/);
  });
});
