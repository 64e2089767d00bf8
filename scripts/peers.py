#!/usr/bin/env python3
"""Times other frameworks for `benches --bin compare`: peers.py run PEER THREADS WORKLOAD.

    pip install torch torchvision onnx onnxscript onnxruntime openvino ncnn pnnx opencv-python-headless
    pip install onnxruntime-ep-webgpu        # for ort-webgpu
    python3 scripts/peers.py build           # for candle, rten and tract: builds benches/peers with cargo, some minutes
    python3 scripts/peers.py list            # which are there, and what is missing

PEER is torch, ort, openvino, ncnn, opencv, rten, tract or candle, on the processor; torch-cuda or ort-webgpu, on a GPU.
WORKLOAD is one of W1_vgg16_b1, W2_vgg16_bN, W4_vgg16bn_bN, W5_vgg19_bN
(inference at 224x224), W2_vgg16_train_sgd_bN, W2_vgg16_train_adam_bN, W3_small_infer_bN, W3_small_train_sgd_bN, W3_small_train_adam_bN (the 28x28 network).
BENCH_SECONDS is the time for each way to run it; PEERS_WAYS=eager,cl leaves out PyTorch's other ways, which compile for
half a minute. The first line says what the peer is, its version and precision, behind its name and "about". Any other has the fields peer, workload, threads, median and
least milliseconds, number of runs; on a GPU also its name, milliseconds of fixed products of matrices on it before
and behind, and the bytes of its memory that the framework held at most, where it tells. What a peer cannot do, as a
package or the GPU is not there, is said in one line on standard error. Weights are random, in f32; models that were
converted are kept in PEERS_DIR (else ~/.cache/vgg-peers): the four networks take 4 GB.
"""
import gc
import importlib.metadata
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import warnings

warnings.filterwarnings("ignore")
FOLDER = pathlib.Path(os.environ.get("PEERS_DIR") or pathlib.Path.home() / ".cache/vgg-peers")
# The frameworks in Rust; PEERS_PROGRAM is another program in the place of what is built there.
RUST = pathlib.Path(__file__).resolve().parent.parent / "benches/peers"
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
SMALL = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M"]


def parse(workload):
    found = re.fullmatch(r"W\d_(vgg16|vgg16bn|vgg19|small)_(?:(infer|train_sgd|train_adam)_)?b(\d+)", workload)
    if not found:
        return None
    model, kind, batch = found.groups()
    return model, (kind or "infer"), int(batch)


def network(model):
    """The network in PyTorch, with seeded weights of a size that keeps activations near 1."""
    import torch
    from torch import nn
    from torchvision import models

    class Small(nn.Module):
        def __init__(self, features, classifier):
            super().__init__()
            self.features, self.classifier = features, classifier

        def forward(self, images):
            return self.classifier(torch.flatten(self.features(images), 1))

    torch.manual_seed(0)
    if model == "small":
        layers, channels = [], 1
        for width in SMALL:
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        head = [nn.Linear(512, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout()]
        built = Small(nn.Sequential(*layers), nn.Sequential(*head, nn.Linear(4096, 10)))
    else:
        built = getattr(models, model.replace("bn", "_bn"))(weights=None, init_weights=False)
    with torch.no_grad():
        for module in built.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
    return built


def shape(model, batch):
    return (batch, 1, 28, 28) if model == "small" else (batch, 3, 224, 224)


class Gpu:
    """A GPU as a framework knows it."""

    PRODUCTS = 16  # of matrices of 1024 rows, as compare's own

    def __init__(self, name, products, memory=lambda: ""):
        """`products` does the fixed work and waits for it; `memory` tells bytes, or nothing."""
        self.name, self.products, self.memory = name, products, memory

    def reference(self):
        """Milliseconds of the fixed work: the least within a quarter of a second, as clocks go up first."""
        least, end = float("inf"), time.perf_counter() + 0.25
        while time.perf_counter() < end:
            start = time.perf_counter()
            self.products()
            least = min(least, (time.perf_counter() - start) * 1e3)
        return f"{least:.4f}"


def report(peer, workload, threads, call, gpu=None):
    """Calls it for SECONDS, at least five times, after three calls that do not count. On a GPU, a call waits for it."""
    for _ in range(3):
        call()
    memory = gpu.memory() if gpu else None
    before = gpu.reference() if gpu else None
    times, end = [], time.perf_counter() + SECONDS
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    fields = [peer, workload, threads, f"{statistics.median(times):.3f}", f"{min(times):.3f}", len(times)]
    if gpu:
        fields += [gpu.name, before, gpu.reference(), memory]
    print(*fields, sep="\t", flush=True)


def onnx_file(model):
    """The network as ONNX, moved to its place when it is complete."""
    path = FOLDER / f"{model}.onnx"
    if not path.exists():
        import torch

        FOLDER.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        torch.onnx.export(
            network(model).eval(), (torch.randn(shape(model, 2)),), str(part), input_names=["input"], dynamo=True,
            external_data=False, dynamic_shapes=({0: torch.export.Dim("N")},), opset_version=18, verbose=False,
        )
        part.rename(path)
    return str(path)


def opencv_peer(model, kind, batch, threads, workload):
    """Winograd's algorithm is on by default."""
    import cv2
    import numpy

    cv2.setNumThreads(threads)
    net = cv2.dnn.readNetFromONNX(onnx_file(model))
    images = numpy.random.randn(*shape(model, batch)).astype(numpy.float32)

    def call():
        net.setInput(images)
        net.forward()

    report("opencv", workload, threads, call)


def rust_program():
    """What `build` has built of benches/peers."""
    built = RUST / "target/release" / ("peers.exe" if os.name == "nt" else "peers")
    program = pathlib.Path(os.environ.get("PEERS_PROGRAM") or built)
    if not program.is_file():
        raise Missing("benches/peers is not built: python3 scripts/peers.py build")
    return program


def rust_peer(name):
    """One that the program of benches/peers runs."""

    def run(model, kind, batch, threads, workload):
        program = rust_program()
        file = [] if name == "candle" else [onnx_file(model)]
        words = [program, "run", name, str(threads), workload, model, str(batch), *file]
        sys.exit(subprocess.call(words, env=os.environ | {"RAYON_NUM_THREADS": str(threads)}))

    return run


def build():
    """For this processor, as candle's own settings do; the others choose their kernels when they run."""
    flags = os.environ.get("RUSTFLAGS", "-C target-cpu=native")
    words = ["cargo", "build", "--release", "--locked", "--target-dir", RUST / "target"]
    sys.exit(subprocess.call(words, cwd=RUST, env=os.environ | {"RUSTFLAGS": flags}))


def torch_peer(model, kind, batch, threads, workload):
    torch_runs("torch", model, kind, batch, threads, workload)


def torch_cuda_peer(model, kind, batch, threads, workload):
    """In full f32: neither convolutions nor products are rounded to TF32."""
    import torch

    if not torch.cuda.is_available():
        sys.exit(f"skipped: no GPU: PyTorch {torch.__version__} finds none (torch.cuda.is_available() is false)")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    factors = torch.randn(2, 1024, 1024, device="cuda")

    def products():
        for _ in range(Gpu.PRODUCTS):
            factors[0] @ factors[1]
        torch.cuda.synchronize()

    gpu = Gpu(torch.cuda.get_device_name(), products, torch.cuda.max_memory_reserved)
    torch_runs("torch-cuda", model, kind, batch, threads, workload, gpu)


def torch_runs(peer, model, kind, batch, threads, workload, gpu=None):
    """Each way to run it."""
    import torch
    import torch._inductor.config as inductor

    torch.set_num_threads(threads)
    inductor.freezing = kind == "infer" and not gpu
    for mode in os.environ.get("PEERS_WAYS", "eager,cl,compile,compile_cl").split(","):
        torch._dynamo.reset()
        if gpu:
            # What the way before held is not this one's.
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        call = torch_call(model, kind, batch, mode, "cuda" if gpu else "cpu")
        report(f"{peer}-{mode}", workload, threads, call, gpu)
        del call


def torch_call(model, kind, batch, mode, device):
    """One call; it is over when the answer is in the processor's memory, or a step is done."""
    import torch

    built, x = network(model).to(device), torch.randn(shape(model, batch), device=device)
    labels = (torch.arange(batch) % 10).to(device)
    if mode.endswith("cl"):
        built = built.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    if kind == "infer":
        built = built.eval()
    run = torch.compile(built) if mode.startswith("compile") else built

    @torch.no_grad()
    def infer():
        run(x).cpu()

    if kind == "infer":
        return infer
    if kind == "train_sgd":
        optimizer = torch.optim.SGD(built.parameters(), lr=1e-4, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(built.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(run(x), labels).backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def ort_peer(model, kind, batch, threads, workload):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(onnx_file(model), options, providers=["CPUExecutionProvider"])
    images = numpy.random.randn(*shape(model, batch)).astype(numpy.float32)
    report("onnxruntime", workload, threads, lambda: session.run(None, {"input": images}))


def ort_webgpu_peer(model, kind, batch, threads, workload):
    import numpy
    import onnx
    import onnxruntime
    import onnxruntime_ep_webgpu as webgpu

    onnxruntime.register_execution_provider_library("webgpu", webgpu.get_library_path())
    names, gpu_kind = webgpu.get_ep_names(), onnxruntime.OrtHardwareDeviceType.GPU
    devices = [found for found in onnxruntime.get_ep_devices() if found.ep_name in names]
    devices = [found for found in devices if found.device.type == gpu_kind]
    if not devices:
        sys.exit("skipped: no GPU: ONNX Runtime's WebGPU provider finds none")

    def session(graph, sizes=()):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_provider_for_devices(devices[:1], {})
        # What the GPU cannot do would be done by the processor, and pass for the GPU's.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        for name, size in sizes:
            options.add_free_dimension_override_by_name(name, size)
        return onnxruntime.InferenceSession(graph, options)

    path = onnx_file(model)
    # With a batch that is known beforehand no shapes are left to compute, which the processor would do.
    free = onnx.load(path, load_external_data=False).graph.input[0].type.tensor_type.shape.dim[0].dim_param
    network = session(path, [(free, batch)] if free else [])
    work, start = session(products_graph(1024, Gpu.PRODUCTS)), numpy.zeros(1, numpy.float32)
    images = numpy.random.randn(*shape(model, batch)).astype(numpy.float32)
    gpu = Gpu(gpu_name(devices[0].device), lambda: work.run(None, {"start": start}))
    report("ort-webgpu", workload, threads, lambda: network.run(None, {"input": images}), gpu)


def gpu_name(device):
    """What the card calls itself, or else who made it and which it is, as the PCI bus does."""
    named = device.metadata.get("Description")
    return named or f"{device.vendor or 'PCI'} {device.vendor_id:04x}:{device.device_id:04x}"


def products_graph(rows, count):
    """A chain of products with one matrix, as ONNX: one number goes in, so that nothing is computed beforehand, and
    one comes out, so that what is measured is not the way to the GPU and back."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    factor = numpy_helper.from_array(numpy.full((rows, rows), 1 / rows, numpy.float32), "factor")
    names = [f"product{index}" for index in range(count + 1)]
    nodes = [helper.make_node("Add", ["factor", "start"], names[:1])]
    nodes += [helper.make_node("MatMul", [name, "factor"], [after]) for name, after in zip(names, names[1:])]
    nodes.append(helper.make_node("ReduceMean", names[-1:], ["mean"]))
    start = helper.make_tensor_value_info("start", TensorProto.FLOAT, [1])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 1])
    graph = helper.make_graph(nodes, "products", [start], [mean], [factor])
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


def openvino_peer(model, kind, batch, threads, workload):
    import numpy
    import openvino

    core = openvino.Core()
    graph = core.read_model(onnx_file(model))
    graph.reshape(shape(model, batch))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    request = core.compile_model(graph, "CPU", settings | {"PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
    images = numpy.random.randn(*shape(model, batch)).astype(numpy.float32)
    request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
    report("openvino", workload, threads, request.infer)


def ncnn_files(model):
    """The two files of ncnn's, moved to their places when both are complete."""
    param, weights = (FOLDER / f"{model}.ncnn.{end}" for end in ["param", "bin"])
    if not param.exists():
        import tempfile

        import pnnx
        import torch

        FOLDER.mkdir(parents=True, exist_ok=True)
        before = os.getcwd()
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            os.chdir(folder)
            images = (torch.rand(shape(model, 1)),)
            pnnx.export(network(model).eval(), f"{model}.pt", images, fp16=False, device="cpu")
            os.chdir(before)
            made = [pathlib.Path(folder) / file.name for file in [weights, param]]
            if not all(file.exists() and file.stat().st_size for file in made):
                sys.exit(f"pnnx did not convert {model}")
            made[0].rename(weights)
            made[1].rename(param)
    return str(param), str(weights)


def ncnn_peer(model, kind, batch, threads, workload):
    """ncnn has no batches: a batch is computed image by image."""
    import ncnn
    import numpy

    net = ncnn.Net()
    options = net.opt
    options.num_threads, options.use_vulkan_compute = threads, False
    options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
    options.use_bf16_storage = False
    param, weights = ncnn_files(model)
    if net.load_param(param) or net.load_model(weights):
        sys.exit(f"ncnn does not load {param}")
    images = [ncnn.Mat(numpy.random.randn(*shape(model, 1)[1:]).astype(numpy.float32)).clone() for _ in range(batch)]

    def call():
        for image in images:
            with net.create_extractor() as extractor:
                extractor.input("in0", image)
                failed, logits = extractor.extract("out0")
                if failed:
                    sys.exit("ncnn does not compute")
                numpy.array(logits)

    report("ncnn", workload, threads, call)


PEERS = {
    "torch": torch_peer, "ort": ort_peer, "openvino": openvino_peer, "ncnn": ncnn_peer, "opencv": opencv_peer,
    "rten": rust_peer("rten"), "tract": rust_peer("tract"), "candle": rust_peer("candle"),
    "torch-cuda": torch_cuda_peer, "ort-webgpu": ort_webgpu_peer,
}
# Of Python's: what it is called, its package or packages of which one is enough, and how it is run.
ABOUT = {
    "torch": ("PyTorch", ["torch"], "f32"),
    "ort": ("ONNX Runtime", ["onnxruntime"], "f32"),
    "openvino": ("OpenVINO", ["openvino"], "f32"),
    "ncnn": ("ncnn", ["ncnn"], "f32, image by image"),
    "opencv": ("OpenCV's DNN", ["opencv-python-headless", "opencv-python", "opencv-contrib-python"], "f32"),
    "torch-cuda": ("PyTorch with cuDNN", ["torch"], "f32 without TF32"),
    "ort-webgpu": ("ONNX Runtime's WebGPU provider", ["onnxruntime-ep-webgpu"], "f32"),
}


class Missing(Exception):
    """A peer that is not there, and how to get it."""


def about(peer):
    """What a peer is, its version and precision."""
    if peer not in ABOUT:
        return subprocess.check_output([rust_program(), "about", peer], text=True).strip()
    name, packages, how = ABOUT[peer]
    for package in packages:
        try:
            return f"{name} {importlib.metadata.version(package)}, {how}"
        except importlib.metadata.PackageNotFoundError:
            pass
    raise Missing(f"Python's {packages[0]} is not installed")


def show_list():
    for peer in PEERS:
        try:
            print(f"{peer:11} {about(peer)}")
        except Missing as missing:
            print(f"{peer:11} missing: {missing}")


def main():
    match sys.argv[1:]:
        case ["build"]:
            return build()
        case ["list"]:
            return show_list()
        case ["run", peer, threads, workload]:
            run(peer, threads, workload)
        case _:
            sys.exit(__doc__)


def run(peer, threads, workload):
    found = parse(workload)
    if peer not in PEERS:
        sys.exit(f"unknown peer {peer}: {', '.join(PEERS)}")
    if not found or (found[1] != "infer" and not peer.startswith("torch")):
        return
    for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS"]:
        os.environ[name] = threads
    try:
        if peer in ABOUT:  # the others say it themselves
            print(peer, "about", about(peer), sep="\t", flush=True)
        PEERS[peer](*found, int(threads), workload)
    except Missing as missing:
        sys.exit(f"skipped: {missing}")
    except ModuleNotFoundError as error:
        sys.exit(f"skipped: Python's {error.name} is not installed")


main()
