"""The peer of the engine's benches: the same networks, losses and optimizer in PyTorch, channels_last.

    python torch_worker.py train|forward CASE(JSON) VARIANT cpu|gpu      speaks the protocol of bench/support/interleave.ts
"""
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

THREADS = int(os.environ["OMP_NUM_THREADS"])
DEVICE = "cuda" if sys.argv[4] == "gpu" else "cpu"


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(line):
    print(json.dumps(line), flush=True)


BASE_BYTES = peak_bytes()


class Convolution(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.1)

    def forward(self, x):
        return F.relu(self.norm(self.convolution(x)), inplace=True)


class Inception(nn.Module):
    def __init__(self, inputs, one, three, five, pool):
        super().__init__()
        self.one = Convolution(inputs, one, 1)
        self.three = nn.Sequential(Convolution(inputs, three[0], 1), Convolution(*three, 3))
        self.five = nn.Sequential(Convolution(inputs, five[0], 1), Convolution(*five, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), Convolution(inputs, pool, 1))

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


def halve():
    return nn.MaxPool2d(3, 2, 1)


def googlenet_bn():
    return [
        Convolution(3, 64, 7, 2), halve(), Convolution(64, 64, 1), Convolution(64, 192, 3), halve(),
        Inception(192, 64, (96, 128), (16, 32), 32), Inception(256, 128, (128, 192), (32, 96), 64), halve(),
        Inception(480, 192, (96, 208), (16, 48), 64), Inception(512, 160, (112, 224), (24, 64), 64),
        Inception(512, 128, (128, 256), (24, 64), 64), Inception(512, 112, (144, 288), (32, 64), 64),
        Inception(528, 256, (160, 320), (32, 128), 128), halve(),
        Inception(832, 256, (160, 320), (32, 128), 128), Inception(832, 384, (192, 384), (48, 128), 128),
    ], 1024


def convnet_4():
    layers, inputs = [], 3
    for size, stride, width, pool in [(5, 2, 32, True), (3, 1, 64, True), (3, 1, 128, True), (3, 1, 256, False)]:
        layers.append(Convolution(inputs, width, size, stride))
        if pool:
            layers.append(nn.MaxPool2d(2, 2))
        inputs = width
    return layers, inputs


def network(case):
    options = case["network"]
    layers, width = {"googlenet-bn": googlenet_bn, "convnet-4": convnet_4}[options["name"]]()
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, options["embeddingSize"])]
    objective = case.get("objective", {})
    if objective.get("type") == "softmax":
        head.append(nn.Linear(options["embeddingSize"], objective["classes"]))
    return nn.Sequential(*layers, *head).to(DEVICE, memory_format=torch.channels_last)


def images(case):
    side = case["network"]["inputSize"]
    batch = torch.rand(case["images"], 3, side, side, device=DEVICE) * 2 - 1
    return batch.to(memory_format=torch.channels_last)


def loss_of(case):
    """The mean loss of outputs: cross-entropy, or Magnet (Rippel et al. 2015, eq. 5) with alpha 1."""
    objective = case["objective"]
    if objective["type"] == "softmax":
        classes = torch.arange(case["images"], device=DEVICE) // 2
        return lambda logits: F.cross_entropy(logits, classes)
    clusters, each = objective["clusters"], objective["perCluster"]
    cluster_class = torch.arange(clusters, device=DEVICE) // 2
    own_cluster = torch.eye(clusters, device=DEVICE).repeat_interleave(each, 0)
    own_class = (cluster_class[:, None] == cluster_class[None]).float().repeat_interleave(each, 0)

    def magnet(r):
        means = r.view(clusters, each, -1).mean(1)
        distances = r.square().sum(1, True) + means.square().sum(1)[None] - 2 * r @ means.T
        to_own = (distances * own_cluster).sum(1)
        scale = 0.5 * (clusters * each - 1) / to_own.sum()
        others = torch.logsumexp(-scale * distances - own_class * 1e9, 1)
        return F.relu(scale * to_own + 1 + others).mean()

    return magnet


def train(case, variant):
    model, batch, loss = network(case), images(case), loss_of(case)
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, 0.01, momentum=0.9, fused=True)
    forward = torch.compile(model) if variant == "compile" else model

    def step():
        optimizer.zero_grad()
        with torch.autocast(DEVICE, torch.bfloat16, enabled=variant == "bf16"):
            value = loss(forward(batch))
        value.backward()
        optimizer.step()
        return float(value)

    return step, model


def inference(case, variant):
    """Variants: eval, frozen (batch norm folded by TorchScript), and both in autocast bfloat16."""
    model, batch = network(case).eval(), images(case)
    narrow = variant.endswith("bf16")
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(DEVICE, torch.bfloat16, enabled=narrow, cache_enabled=False):
        if variant.startswith("frozen"):
            model = torch.jit.freeze(torch.jit.trace(model, batch))  # its parameters become constants
            for _ in range(3):
                model(batch)

    def step():
        with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16, enabled=narrow):
            return float(model(batch)[0, 0])

    return step, model


def main():
    kind, case, variant = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    torch.backends.cudnn.allow_tf32 = False  # as ours; products have it off already
    torch.backends.cudnn.benchmark = True  # shapes never change: let it try its convolutions and keep the fastest
    step, model = {"train": train, "forward": inference}[kind](case, variant)
    parameters = sum(p.numel() for p in model.parameters())
    where = torch.cuda.get_device_name() if DEVICE == "cuda" else f"{torch.get_num_threads()} threads"
    note = f"PyTorch {torch.__version__}, {where}, {parameters} parameters"
    say({"baseBytes": BASE_BYTES, "note": note})
    for _ in sys.stdin:
        times = []
        for _ in range(case["steps"] + 1):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1e3)
        say({"milliseconds": statistics.median(times[1:]), "peakBytes": peak_bytes()})


main()
