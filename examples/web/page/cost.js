// The view that counts what a network costs.

import { LIGHT_AND_DARK } from "./chart.js";

// The figures first: a phone shows only what is on the left.
const COLUMNS = [
  ["module", "text"], ["parameters", "number"], ["cost", "number"], ["%", "number"],
  ["output", "text"], ["type", "text"],
];

const find = (id) => document.getElementById(id);
const grouped = (number) => number.toLocaleString("en-US");

/** Sets the view up; `count(call, …)` calls the module. Returns a function that counts once. */
export async function setUp(count) {
  const form = find("cost-form");
  const { networks, conventions } = await count("countable");
  const { network, convention, height, width } = form.elements;
  network.append(...networks.map(({ name }) => new Option(name)));
  convention.append(...conventions.map(({ name }) => new Option(name)));
  network.value = "vgg16";

  const known = () => networks.find(({ name }) => name === network.value);
  const ownSize = () => {
    [, height.value, width.value] = known().shape;
  };
  ownSize();

  let latest = 0;
  let shown;
  const update = async () => {
    const number = (latest += 1);
    const { unit, definition } = conventions.find(({ name }) => name === convention.value);
    find("cost-convention").textContent = `Counted in ${unit}: ${definition}.`;
    if (!form.checkValidity()) {
      fail([...form.elements].filter((field) => !field.validity.valid).map(complaint).join(" "));
      return;
    }
    try {
      const costs = await count("cost", wanted(form, known().shape[0]));
      // A later change has been asked for meanwhile.
      if (number !== latest) return;
      shown = { ...costs, name: network.value };
      show(costs);
    } catch (error) {
      if (number === latest) fail(error.message);
    }
  };
  network.addEventListener("change", ownSize);
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  find("download-json").addEventListener("click", () => download(shown, "json", "application/json"));
  find("download-csv").addEventListener("click", () => download(shown, "csv", "text/csv"));
  return update;
}

function wanted({ elements }, channels) {
  const number = (name) => Number(elements[name].value);
  return {
    network: elements.network.value,
    shape: [number("batch"), channels, number("height"), number("width")],
    convention: elements.convention.value,
    optimizer: elements.optimizer.value || undefined,
    depth: elements.depth.value === "" ? undefined : number("depth"),
  };
}

function complaint({ name, min, max }) {
  return `The ${name} has to be a whole number from ${min} to ${max}.`;
}

function fail(text) {
  const place = find("cost-error");
  place.textContent = text;
  place.hidden = false;
  find("cost-result").hidden = true;
}

function show({ shown, svg }) {
  find("cost-error").hidden = true;
  find("cost-result").hidden = false;
  const report = JSON.parse(shown);
  find("cost-figures").replaceChildren(...figures(report).map(([label, value]) => {
    const pair = document.createElement("div");
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = label;
    text.textContent = value;
    pair.append(term, text);
    return pair;
  }));
  showTable(report);
  showPicture(svg);
}

function figures({ total, convention, inference, training }) {
  const { parameters, cost } = total;
  const unit = (number) => `${grouped(number)} ${convention.unit}`;
  const list = [
    ["Parameters", grouped(parameters.trainable + parameters.frozen)],
    [training ? "Forward pass" : "Cost", unit(cost)],
  ];
  if (training) {
    list.push(["Backward pass", unit(training.backward)], ["Memory of a step, at its peak", bytes(training.memory.peak)]);
  } else {
    list.push(["Memory at its peak", bytes(inference.peak)]);
  }
  list.push(["of which weights", bytes(total.parameter_bytes)]);
  return list;
}

function bytes(number) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(number, 1)) / 10), units.length - 1);
  return `${(number / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

/** What an update of the parameters takes. */
function flops({ multiplications, additions, divisions }) {
  return multiplications + additions + divisions;
}

/** Modules that own nothing themselves are left out; the others add up to the total. */
function showTable({ rows, total, convention, training }) {
  const table = find("cost-table");
  const columns = training
    ? [...COLUMNS.slice(0, 3), ["backward", "number"], ["update (FLOP)", "number"], ...COLUMNS.slice(3)]
    : COLUMNS;
  table.tHead.rows[0].replaceChildren(...columns.map(([name, kind]) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.className = kind;
    cell.textContent = name === "cost" ? convention.unit : name;
    return cell;
  }));
  const share = (cost) => (total.cost ? (100 * cost) / total.cost : 0).toFixed(1);
  const line = (path, module, output, own) => [
    path, grouped(own.parameters.trainable + own.parameters.frozen), grouped(own.cost),
    ...(training ? [grouped(own.backward_cost), grouped(flops(own.update))] : []), share(own.cost), output, module,
  ];
  const fill = (row, texts) => {
    row.append(...texts.map((text, index) => {
      const cell = document.createElement(index ? "td" : "th");
      if (!index) cell.scope = "row";
      cell.className = columns[index][1];
      cell.textContent = text;
      return cell;
    }));
    return row;
  };
  const owning = rows.filter(({ parameters, cost, backward_cost: backward, activation_bytes: activations }) =>
    parameters.trainable || parameters.frozen || cost || backward || activations);
  const last = (shapes) => shapes.map((shape) => shape.join("×")).join(", ");
  table.tBodies[0].replaceChildren(...owning.map((row) => fill(
    document.createElement("tr"),
    line(row.path || "(the network)", row.module, last(row.outputs), row),
  )));
  table.tFoot.rows[0].replaceChildren();
  fill(table.tFoot.rows[0], line("total", "", "", { ...total, update: training?.update }));
}

/** The picture brings its own styles, which must not reach the page. */
function showPicture(svg) {
  const place = find("cost-picture");
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  const picture = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const style = document.createElement("style");
  style.textContent = LIGHT_AND_DARK;
  root.replaceChildren(style, document.importNode(picture, true));
}

function download(costs, form, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([costs[form]], { type }));
  link.download = `${costs.name}.${form}`;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
