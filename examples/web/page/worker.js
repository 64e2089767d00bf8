// One wasm module in a worker of its own, so that the page never waits for it.
//
// The worker's name says which module. Messages are `{ id, call, values }`; the answer carries the same
// `id` with `value` and `time` in milliseconds, or with `error`. A module that panicked or could not be
// opened is of no more use: the answer says `ended`.

const module = self.name;
/** The call that is being answered. */
let current;
// Called by the module. A panic leaves promises that never settle, so it is the answer itself.
self.reportPanic = (error) => {
  self.postMessage({ id: current, error, ended: true });
};

let wasm;
let backend;
let network;

const calls = {
  /** Loads the module and opens its device. */
  async open() {
    wasm = await import(`./${module}/web.js`);
    await wasm.default();
    backend = await wasm.openBackend();
  },

  /** Takes the network of a safetensors file. The one before stays if the file is of no use. */
  load(name, buffer) {
    const next = new wasm.Network(name, new Uint8Array(buffer), backend);
    network?.free();
    network = next;
    return { classes: next.classes, shape: [...next.shape], parameters: next.parameters };
  },

  async classify(name, buffer) {
    const answer = await network.classify(name, new Uint8Array(buffer));
    const { pixels, probabilities } = answer;
    answer.free();
    return { pixels, probabilities };
  },

  async inside(name, buffer, chosen, layer) {
    const inside = await network.inside(name, new Uint8Array(buffer), chosen, layer);
    const { answer, class: shown, heat, maps } = inside;
    const { pixels, probabilities } = answer;
    const plain = ({ layer: at, shape, values }) => ({ layer: at, shape: [...shape], values });
    const value = { pixels, probabilities, chosen: shown, heat: plain(heat), maps: maps.map(plain) };
    [answer, heat, ...maps, inside].forEach((part) => part.free());
    return value;
  },

  /** What there is to count, for the page's lists. */
  countable() {
    return { networks: JSON.parse(wasm.networks()), conventions: JSON.parse(wasm.conventions()) };
  },

  /** What a network costs: the whole as JSON and CSV, the folded rows and their picture. */
  cost({ network, shape, convention, optimizer, depth }) {
    const whole = new wasm.Costs(network, new Uint32Array(shape), convention, optimizer);
    const shown = depth === undefined ? whole : whole.folded(depth);
    return {
      json: whole.render("json"),
      csv: whole.render("csv"),
      shown: shown.render("json"),
      svg: shown.render("svg"),
    };
  },
};

// One after the other: a network is not replaced while it computes.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};

async function answer({ id, call, values }) {
  current = id;
  try {
    const start = performance.now();
    const value = await calls[call](...values);
    self.postMessage({ id, value, time: performance.now() - start });
  } catch (error) {
    const ended = error instanceof WebAssembly.RuntimeError || !backend;
    self.postMessage({ id, error: error.message ?? String(error), ended });
  }
}
