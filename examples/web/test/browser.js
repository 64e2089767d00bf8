// A headless Chromium in which whatever the page may not do is noted.

import { chromium } from "playwright-core";

const QUIET = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
/** A GPU played by the CPU. */
const SOFTWARE_GPU = [
  "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan",
];

/** What Chromium itself says where a page asks for a GPU and there is none. */
const NO_GPU = "No available adapters.";

/** Starts a browser, with or without WebGPU. */
export function launch({ webgpu }) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...QUIET, ...(webgpu ? SOFTWARE_GPU : ["--disable-gpu", "--disable-features=WebGPU"])],
  });
}

/** Opens the page; `complaints` collects console errors and warnings and requests to other hosts. */
export async function open(browser, origin, options = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && message.text() !== NO_GPU) {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (!["blob:", "data:"].includes(url.protocol) && url.origin !== origin) {
      complaints.push(`request to ${request.url()}`);
    }
  });
  await page.goto(origin);
  return { page, context, complaints };
}
