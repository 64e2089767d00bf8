// What the command-line programs say, to which the page is compared.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** What one of the examples writes. */
export function example(name, ...options) {
  const run = ["run", "--locked", "--release", "--quiet", "--example", name, "--", ...options];
  return execFileSync("cargo", run, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** Probabilities by class, as `infer` gives them. */
export function inferred(picture) {
  const { classes } = JSON.parse(example("infer", picture, "--json", "--top", "10"));
  return new Map(classes.map(({ class: name, probability }) => [name, probability]));
}
