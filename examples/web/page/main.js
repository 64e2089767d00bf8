// The page: one picture, one network, three views of it.

import * as classify from "./classify.js";
import * as cost from "./cost.js";
import * as inside from "./inside.js";
import { quiet, say } from "./messages.js";
import * as pad from "./pad.js";
import { Session } from "./session.js";
import { gpu, obstacle } from "./support.js";
import { tabs } from "./tabs.js";

/** Names of weights, and of those in PyTorch's own format. */
const WEIGHTS = /\.(safetensors|pth|pt)$/i;
const TORCH = /\.(pth|pt)$/i;
const SHIPPED = { name: "fashion-mnist.safetensors", title: "The shipped network" };

const session = new Session();
let picture;
let view = "classify";
/** The class and the layer that Grad-CAM is wanted for; without them the most probable and the last. */
let cam = {};
/** Answers to anything but the latest question come too late to be shown. */
let latest = 0;

async function show() {
  const number = (latest += 1);
  const { backend } = session;
  const slow = setTimeout(() => {
    const what = backend === "webgpu" ? "The GPU's module is being loaded, its programs are compiled" : "Computing";
    classify.showWaiting(`${what} …`);
  }, 150);
  try {
    const network = await session.network();
    if (!picture) return;
    const { value, time } = view === "inside"
      ? await session.run("inside", picture.name, picture.blob, cam.class, cam.layer)
      : await session.run("classify", picture.name, picture.blob);
    if (number !== latest) return;
    quiet();
    classify.showAnswer(value, network, picture.name);
    if (!performance.getEntriesByName("first answer").length) {
      performance.mark("first answer");
      keepForOffline();
    }
    if (view === "inside") inside.showInside(value, network);
    else classify.showTime(backend, time);
  } catch (error) {
    if (number === latest) await failed(error);
  } finally {
    clearTimeout(slow);
  }
}

/** From now on the page works without a network. Not before: nothing may delay the first answer. */
function keepForOffline() {
  // Without a secure context, or where storage is switched off, the page works as long as there is a network.
  navigator.serviceWorker?.register("offline.js").catch(() => {});
}

async function failed(error) {
  classify.showNothing();
  if (error.ended && session.backend === "webgpu") {
    // An answer takes sentences away, so that of the CPU comes first.
    await chooseBackend("cpu");
    say(`WebGPU has failed, and the CPU takes over. (${error.message})`);
  } else {
    say(error.message);
  }
}

function chooseBackend(backend) {
  session.backend = backend;
  document.querySelector(`input[name="backend"][value="${backend}"]`).checked = true;
  return show();
}

async function useNetwork(weights) {
  classify.showWaiting("The network is being loaded …");
  try {
    const network = await session.use(weights);
    cam = {};
    classify.showNetwork(weights.title, network);
    inside.showClasses(network.classes);
    document.getElementById("shipped").hidden = weights.title === SHIPPED.title;
    await show();
  } catch (error) {
    await show();
    say(error.message);
  }
}

/** Takes a file of weights. */
function useFile(file) {
  if (TORCH.test(file.name)) {
    say(`${file.name}: files of torch.save are not read by this page. In Python, `
      + 'safetensors.torch.save_file(model.state_dict(), "model.safetensors") writes one that is.');
    return;
  }
  useNetwork({ name: file.name, title: file.name, blob: file });
}

function setUpNetworks(shipped) {
  const input = document.getElementById("weights");
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) useFile(file);
    input.value = "";
  });
  document.getElementById("shipped").addEventListener("click", () => useNetwork(shipped));
}

async function setUpBackends() {
  for (const input of document.querySelectorAll('input[name="backend"]')) {
    input.addEventListener("change", () => chooseBackend(input.value));
  }
  const found = await gpu();
  document.getElementById("about-webgpu").textContent = found.name ?? found.reason;
  document.querySelector('input[value="webgpu"]').disabled = !found.name;
}

async function start() {
  const missing = obstacle();
  if (missing) {
    classify.showWaiting("Nothing can be recognised here.");
    say(missing);
    return;
  }
  const choose = (next) => {
    picture = next;
    cam = { layer: cam.layer };
    show();
  };
  classify.setUp(choose, (file) => {
    if (!WEIGHTS.test(file.name)) return false;
    useFile(file);
    return true;
  });
  pad.setUp((blob) => choose({ name: "drawing.png", blob }));
  inside.setUp((wanted) => {
    cam = wanted;
    show();
  });
  setUpBackends();
  let countOnce;
  tabs(document.querySelector('[role="tablist"]'), async (name) => {
    view = name;
    if (name === "inside") show();
    if (name === "cost") {
      countOnce ??= cost.setUp((call, ...values) => session.count(call, ...values));
      (await countOnce)();
    }
  });

  session.start();
  const weights = fetch(SHIPPED.name).then((answer) => {
    if (!answer.ok) throw new Error(`${SHIPPED.name}: the server answered ${answer.status}`);
    return answer.blob();
  });
  const first = classify.firstPicture();
  const shipped = { ...SHIPPED, blob: await weights };
  setUpNetworks(shipped);
  picture ??= await first;
  await useNetwork(shipped);
}

start().catch((error) => {
  classify.showWaiting("The page could not be started.");
  say(error.message);
});
