// A static server that compresses, as most do; it counts the bytes that it sends.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".png": "image/png",
  ".svg": "image/svg+xml", ".wasm": "application/wasm",
};

/** Serves `folder`; `bytes(path)` says how many were sent for a path, `total()` for all. */
export async function serve(folder) {
  const sent = new Map();
  const compressed = new Map();
  const server = createServer(async (request, response) => {
    let path = normalize(new URL(request.url, "http://x").pathname);
    if (path === "/") path = "/index.html";
    try {
      if (!compressed.has(path)) compressed.set(path, gzipSync(await readFile(join(folder, path))));
      const body = compressed.get(path);
      sent.set(path, (sent.get(path) ?? 0) + body.length);
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "content-encoding": "gzip",
        "content-length": body.length,
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    total: () => [...sent.values()].reduce((a, b) => a + b, 0),
    close: () => server.close(),
  };
}
