// A service worker: keeps what the page is made of, so that it works without a network once it was loaded.
//
// The network's answer is always preferred, so a page that is served anew is seen anew. WebGPU's module is kept
// from when it is first used.

const KEPT = "vgg-page";

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request, event));
});

async function keepAll() {
  const files = await (await fetch("files.json")).json();
  await (await caches.open(KEPT)).addAll(["./", ...files]);
}

async function answer(request, event) {
  const kept = await caches.open(KEPT);
  let found;
  try {
    found = await fetch(request);
  } catch (error) {
    const before = await kept.match(request);
    if (before) return before;
    throw error;
  }
  if (found.ok) event.waitUntil(kept.put(request, found.clone()));
  return found;
}
