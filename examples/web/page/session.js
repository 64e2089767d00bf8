// Which network runs on which backend: modules are started and weights loaded when they are needed.

import { Engine } from "./engine.js";

export class Session {
  /** `cpu` or `webgpu`. */
  backend = "cpu";
  /** The network's file: `name` and `blob`. */
  weights;
  #engines = new Map();

  /** Starts the current backend's module, so that it is there when the first picture is. */
  start() {
    // A failure is met again by whoever needs the module.
    this.#opened(this.backend).catch(() => {});
  }

  /** Loads the network on the current backend: its classes, shape and number of parameters. */
  async network() {
    return (await this.#loaded()).network;
  }

  /** Takes another network's file. If it is of no use, the one before stays. */
  async use(weights) {
    const before = this.weights;
    this.weights = weights;
    try {
      return await this.network();
    } catch (error) {
      this.weights = before;
      throw error;
    }
  }

  /** Calls a function of the current backend's module with a picture, a file or a blob. */
  async run(call, name, picture, ...more) {
    const engine = await this.#loaded();
    return engine.call(call, name, await picture.arrayBuffer(), ...more);
  }

  /** Calls a function of the CPU's module that needs no network. */
  async count(call, ...values) {
    const engine = await this.#opened("cpu");
    return (await engine.call(call, ...values)).value;
  }

  async #opened(backend) {
    let engine = this.#engines.get(backend);
    if (!engine || engine.ended) {
      engine = new Engine(backend);
      engine.opening = engine.call("open");
      this.#engines.set(backend, engine);
    }
    await engine.opening;
    return engine;
  }

  async #loaded() {
    const engine = await this.#opened(this.backend);
    if (engine.weights !== this.weights) {
      const weights = this.weights;
      engine.weights = weights;
      engine.loading = this.#load(engine, weights);
    }
    engine.network = await engine.loading;
    return engine;
  }

  async #load(engine, { name, blob }) {
    const buffer = await blob.arrayBuffer();
    try {
      return (await engine.call("load", name, buffer)).value;
    } catch (error) {
      engine.weights = undefined;
      throw error;
    }
  }
}
