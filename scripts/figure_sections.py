"""The sections of figures.py: each makes the figures that are quoted in one place."""
import json
import os
import re
import sys

from figure_tools import DRIFTED, ROOT, columns, needs, section, table


@section("training", "README: The main job")
def training(figures):
    small = ["--width", "0.125", "--limit", "64", "--epochs", "1"] if figures.quick else []
    text = figures.own("train", *small, "--out", figures.work / "train")
    lines = [line for line in text.splitlines() if line.startswith(("epoch", "test accuracy"))]
    figures.lines("training", "\n".join(lines))
    figures.svg("training", (figures.work / "train/curve.svg").read_text())


@section("fashion-mnist", "README: The main job, all 60,000 images; the curve beside it")
def fashion_mnist(figures):
    figures.not_quick("half an hour, and a download of 30 MB")
    words = "--model vgg16-bn-28 --data fashion-mnist --epochs 5 --batch-size 128 --optimizer sgd --lr 0.05"
    words = [*words.split(), "--weight-decay", "0.0005", "--mirror", "--out", figures.work / "fashion"]
    text = figures.own("train", *words)
    lines = [line for line in text.splitlines() if line.startswith(("epoch 5/5", "test accuracy"))]
    figures.lines("fashion-mnist", "\n".join(lines))
    figures.svg("curve-vgg16-bn-28", (figures.work / "fashion/curve.svg").read_text())


@section("recognition", "README: Recognising pictures")
def recognition(figures):
    data = [] if figures.quick else ["--data", "fashion-mnist"]
    text = figures.own("infer", "--evaluate", *data)
    figures.lines("recognition", text.splitlines()[-1])


@section("agreement", "README: Published weights; crates/winograd: Accuracy")
def agreement(figures):
    figures.not_quick("these are tests, most of which CI runs anyway")
    test = ["cargo", "test", "-q", "--release", "--workspace", "--test"]
    for name, words in [
        ("full_size", ["--", "--ignored", "--test-threads", "1", "--nocapture"]),
        ("preprocessing", ["--", "--test-threads", "1", "--nocapture"]),
        ("accuracy", ["--", "--test-threads", "1", "--nocapture"]),
    ]:
        text = figures.run([*test, name, *words])
        noise = ("running ", "test result", "test ", ".")
        figures.lines(f"agreement-{name}", "\n".join(line for line in text.splitlines() if not line.startswith(noise)))


@section("loading", "README: Published weights, to the logits")
def loading(figures):
    model, rounds, peers = ("vgg16-28", 1, []) if figures.quick else ("vgg16", 5, ["PyTorch", "ONNX Runtime", "candle"])
    if figures.quick:
        figures.own("train", "--epochs", "1", "--limit", "16", "--out", figures.work / "whole")
        weights = figures.work / "whole/weights.safetensors"
    else:
        weights = figures.work / "vgg16.pth"
        needs("torch")
        for file in [weights, weights.with_suffix(".onnx")]:
            figures.run([sys.executable, "scripts/weights.py", "formula", "vgg16", file])
    commands = {
        "PyTorch": f"{sys.executable} scripts/load_peer.py",
        "ONNX Runtime": f"{sys.executable} scripts/load_peer.py --onnx",
        "candle": "scripts/candle_load/target/release/candle_load",
    }
    if "candle" in peers:
        figures.run(["cargo", "build", "-q", "--release", "--manifest-path", "scripts/candle_load/Cargo.toml",
                     "--target-dir", "scripts/candle_load/target"])
    words = [word for peer in peers for word in ("--peer", f"{peer}={commands[peer]}")]
    text = figures.own("load", weights, "--model", model, "--rounds", rounds, *words)
    header, *rows = columns(text)
    figures.markdown("loading", table(["", *header], rows))


@section("looking", "README: Looking through a network")
def looking(figures):
    photographs = ROOT / "examples/pictures"
    small = ["--width", "0.125", "--side", "64"] if figures.quick else []
    figures.own("features", photographs / "chelsea.jpg", "--random-weights", *small, "--out", figures.work / "looks")
    figures.picture("features.png", figures.work / "looks/maps.png")
    figures.picture("cam.png", figures.work / "looks/cam.png")
    size = ["--width", "0.125", "--side", "64", "--steps", "2"] if figures.quick else [
        "--width", "0.5", "--side", "224", "--steps", "150"]
    figures.own("style", "--content", photographs / "chelsea.jpg", "--style", photographs / "coffee.jpg",
                "--random-weights", *size, "--out", figures.work / "style")
    figures.picture("style.png", figures.work / "style/style.png")


@section("finetuning", "README: Looking through a network, a folder of photographs")
def finetuning(figures):
    clothes = figures.work / "clothes"
    figures.run([sys.executable, "scripts/fashion_folder.py", clothes, "pullover", "dress", "coat"])
    size = ["--width", "0.125", "--epochs", "1"] if figures.quick else ["--width", "0.25", "--epochs", "15"]
    text = figures.own("finetune", "--data", clothes, "--random-weights", "--model", "vgg16-bn-28", "--lr", "0.003",
                       "--frozen-epochs", "1", *size, "--out", figures.work / "finetune")
    figures.lines("finetuning", [line for line in text.splitlines() if line.startswith("test accuracy")][-1])


@section("costs", "README: What a network costs")
def costs(figures):
    text = figures.own("cost", "vgg16", "--input", "1x3x224x224", "--format", "json")
    total = json.loads(text)["total"]
    parameters = sum(total["parameters"][kind] for kind in ("trainable", "frozen"))
    rows = [["parameters", f"{parameters:,}"], ["multiply-accumulates", f"{total['cost']:,}"]]
    figures.markdown("costs", table(["vgg16, one image of 224×224", ""], rows))


@section("memory", "README: What a network costs, predicted and measured memory")
def memory(figures):
    quick = ["--batches", "1", "--training-batch", "2"] if figures.quick else []
    text, _, analysis = figures.own("memory", *quick).partition("\n\n")
    header, *rows = columns(text)
    figures.markdown("memory", table(header, rows) + f"\n\n{analysis.strip()}")


@section("analysis", "README: What a network costs, time of an analysis")
def analysis(figures):
    figures.not_quick("criterion builds and repeats it for a minute")
    text = figures.run(["cargo", "bench", "-q", "-p", "benches", "--bench", "cost"])
    found = re.findall(r"^(\S.*?)\s+time:\s+\[\S+ \S+ (\S+ \S+) \S+ \S+\]", text.replace("\n        ", " "), re.MULTILINE)
    figures.markdown("analysis", table(["analysis", "median"], [list(row) for row in found]))


@section("speed", "README: How fast it is")
def speed(figures):
    threads = os.cpu_count() or 1
    groups = [
        ("vgg16,vgg16-bn,vgg19", "1,8", "inference", threads),
        ("vgg16", "1,8", "inference", 1),
        ("vgg16-28", "1,64", "inference", threads),
        ("vgg16-28", "64", "sgd,adam", threads),
    ]
    if figures.quick:
        groups = [("vgg16-28", "1", "inference", threads), ("vgg16-28", "2", "sgd", threads)]
    sides, peers = "prepared,prepared-f16,module,burn", []
    if figures.peers:
        sides, peers = sides + ",ncnn,openvino,ort,torch,opencv,rten,tract,candle", ["--peers", figures.peers]
    else:
        print("speed: without other frameworks, which --peers scripts/peers.py adds", file=sys.stderr)
    rows, found = [], []
    for index, (models, batches, tasks, count) in enumerate(groups):
        _, measured = figures.compare(f"speed-{index}", "--sides", sides, *peers, "--backends", "flex", "--models",
                                      models, "--batch", batches, "--tasks", tasks, "--threads", count)
        found += measured
        for key in dict.fromkeys((m["model"], m["task"], m["batch"]) for m in measured):
            row = [m for m in measured if (m["model"], m["task"], m["batch"]) == key]
            rows.append(speed_row(key, count, {m["side"]: m["median_ms"] for m in row}))
    header = ["", "prepared", "prepared, f16", "module", "Burn", "ncnn", "OpenVINO", "ONNX Runtime", "OpenCV", "rten",
              "tract", "candle", "PyTorch, best", "ours / best other"]
    text = f"Milliseconds, {threads} threads where nothing else is said, medians.\n\n{table(header, rows)}\n\n"
    if said := dict.fromkeys(m["about"] for m in found if m["about"]):
        text += f"The others: {'; '.join(said)}. "
    spread = [m["spread_percent"] for m in found if m["backend"]]
    drift = max(m["drift_percent"] for m in found)
    text += f"From the 10th to the 90th percentile our calls lie {min(spread):.0f} to {max(spread):.0f} % of the median "
    text += f"apart; the machine's own speed changed by up to {drift:.0f} % between the rounds of a row."
    figures.markdown("speed", text)


def speed_row(key, threads, times):
    """Milliseconds of each side; ours is the prepared network, or in training the module."""
    model, task, batch = key
    torch = [time for side, time in times.items() if side.startswith("torch")]
    names = ("ncnn", "openvino", "onnxruntime", "opencv", "rten", "tract", "candle")
    others = [times.get(side) for side in names] + [min(torch, default=None)]
    ours = times.get("prepared", times.get("module"))
    best = min((time for time in others if time), default=None)
    shown = [times.get(side) for side in ("prepared", "prepared-f16", "module", "burn")] + others
    what = {"inference": "", "sgd": ", training step, SGD", "adam": ", training step, Adam"}[task]
    name = f"{model}{what}, batch {batch}" + (", one thread" if threads == 1 else "")
    cells = [f"{time:,.1f}" if time else "–" for time in shown]
    return [name, *cells, f"{ours / best:.2f}" if ours and best else "–"]


@section("backends", "README: Backends; bars")
def backends(figures):
    if figures.folder is None:
        figures.run(["cargo", "build", "-q", "--release", "-p", "benches", "--features", "ndarray,wgpu", "--bin",
                     "compare", "--target-dir", figures.work / "target"])
        compare = figures.work / "target/release/compare"
    else:
        compare = figures.program("compare")
    devices = figures.run([compare, "--list-devices"])
    usable = [name for name in ("flex", "ndarray", "wgpu") if f"{name}:0 " in devices]
    models = "vgg16-28" if figures.quick else "vgg16-28,vgg16"
    pace = ["--rounds", 1, "--seconds", 0.1, "--warm-up", 0] if figures.quick else ["--rounds", 4]
    report = figures.work / "backends.json"
    figures.run([compare, "--sides", "module", "--backends", ",".join(usable), "--models", models, *pace,
                 "--save", report], accept=(0, DRIFTED))
    figures.markdown("backends", figures.show(report, "markdown"))
    figures.svg("backends", figures.show(report, "svg"))


@section("roofline", "README: Backends, time of each layer")
def roofline(figures):
    model = "vgg16-28" if figures.quick else "vgg16"
    for side in ("burn", "module"):
        words = ["--profile", "--models", model, "--sides", side, "--backends", "flex", "--seconds",
                 "0.1" if figures.quick else "5", "--format"]
        figures.svg(f"roofline-{side}", figures.own("compare", *words, "svg"))
        figures.lines(f"roofline-{side}", figures.own("compare", *words, "table"))


@section("winograd", "crates/winograd: Speed")
def winograd(figures):
    figures.not_quick("minutes")
    for name, words in [("vgg16_speed", []), ("training_speed", ["64", "1"]), ("training_speed", ["64", "2"])]:
        text = figures.run(["cargo", "run", "-q", "--release", "-p", "winograd", "--example", name, "--", *words])
        figures.lines("-".join(["winograd", name, *words]), text)
