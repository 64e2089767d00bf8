// What this browser can do, and plain words for what it cannot.

// The smallest module with a vector instruction.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** A sentence, if this browser cannot run the page's modules. */
export function obstacle() {
  if (typeof WebAssembly !== "object") {
    return "This browser has no WebAssembly, or it is switched off. The network cannot run without it.";
  }
  if (!WebAssembly.validate(SIMD)) {
    return "This browser's WebAssembly has no vector instructions (SIMD), which the network is compiled to. "
      + "Chrome and Edge have them from version 91, Firefox from 89, Safari from 16.4.";
  }
  return null;
}

/** The GPU that WebGPU offers: `{ name }`, or `{ reason }` why there is none. */
export async function gpu() {
  if (!window.isSecureContext) {
    return { reason: "is not available, as this page was not loaded over HTTPS or from this machine" };
  }
  if (!navigator.gpu) {
    return { reason: "is missing in this browser or switched off; everything runs on the CPU" };
  }
  try {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return { reason: "found no GPU that it can use; everything runs on the CPU" };
    const { description, vendor, architecture, device } = adapter.info ?? {};
    const parts = [vendor, architecture, device].filter(Boolean).join(" ");
    return { name: description || parts || "a GPU that does not say its name" };
  } catch (error) {
    return { reason: `failed (${error.message}); everything runs on the CPU` };
  }
}
