// The page's side of a worker: calls that return promises.

/** A wasm module in a worker; `module` is `cpu` or `webgpu`. */
export class Engine {
  #worker;
  #waiting = new Map();
  #next = 0;

  constructor(module) {
    this.#worker = new Worker("worker.js", { type: "module", name: module });
    this.#worker.onmessage = ({ data }) => this.#settle(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(event.message || "the worker could not be started");
    };
  }

  /** Whether the module has panicked or could not be loaded: it answers no more. */
  ended = false;

  /** Calls one of the worker's functions: its value, and the milliseconds that it took. */
  call(call, ...values) {
    if (this.ended) return Promise.reject(Object.assign(new Error("the module has ended"), { ended: true }));
    const id = this.#next++;
    const buffers = values.filter((value) => value instanceof ArrayBuffer);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, values }, buffers);
    });
  }

  #settle({ id, value, time, error, ended }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve({ value, time });
    else waiting?.reject(Object.assign(new Error(error), { ended }));
    if (ended) this.#end(error);
  }

  #end(reason) {
    this.ended = true;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) {
      reject(Object.assign(new Error(reason), { ended: true }));
    }
    this.#waiting.clear();
  }
}
