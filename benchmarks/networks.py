"""Forward time of the networks against plain eager PyTorch, and the memory that training MSD-net takes.

`python benchmarks/networks.py` rewrites its section of docs/benchmarks.md. Plain is what one writes first: contiguous
float32, PyTorch's own PReLU and batch normalisation, concatenations in MSD-net. Both ways take turns in one process, on
the same weights and the same image; what is compared is the fastest of several runs.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from report import machine, table, write_section
from torch import nn

from hrtem_app.networks.catalog import build_network
from hrtem_app.networks.layers import Layer
from hrtem_app.networks.msd_net import MSDNet

SIDE, RUNS = 640, 5
NETWORKS = {
    "U-net(8)": ("unet", {"channels": 8}),
    "U-net++(8)": ("unet_pp", {"channels": 8}),
    "MSD-net(8, 12, 5), as shipped": ("msd_net", {"channels": 8, "layers": 12}),
    "MSD-net(3, 25, 5)": ("msd_net", {"channels": 3, "layers": 25}),
    "MSD-net(3, 50, 5)": ("msd_net", {"channels": 3, "layers": 50}),
}
# What the plain way may ask for before it is stopped.
MOST_GIB = 20
TRAINED = {"channels": 9, "layers": 50}


def concatenated(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """MSD-net as the thesis has it."""
    if not isinstance(net, MSDNet):
        result: torch.Tensor = net(x)
        return result
    features: torch.Tensor = net.layers[0](x)
    for layer in net.layers[1:]:
        features = torch.cat([features, layer(features)], dim=1)
    logits: torch.Tensor = net.head(features)
    return logits


@contextmanager
def plain_layers() -> Iterator[None]:
    """Layers go through their parts one by one, as `nn.Sequential` does."""
    ours = Layer.forward
    Layer.forward = nn.Sequential.forward  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Layer.forward = ours  # type: ignore[method-assign]


def forward(name: str) -> dict[str, float]:
    """Seconds of each way, and the greatest differences of the probabilities from the plain way."""
    architecture, settings = NETWORKS[name]
    torch.manual_seed(0)
    plain = build_network(architecture, settings).eval()
    _spread(plain)
    fast = build_network(architecture, settings).eval()
    fast.load_state_dict(plain.state_dict())
    fast = fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(1, 3, SIDE, SIDE)
    last = x.contiguous(memory_format=torch.channels_last)

    def plainly() -> torch.Tensor:
        with plain_layers():
            return concatenated(plain, x)

    def in_bfloat16() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            result: torch.Tensor = fast(last)
        return result

    ways: dict[str, Callable[[], torch.Tensor]] = {
        "plain": plainly,
        "float32": lambda: fast(last),
        "bfloat16": in_bfloat16,
    }
    with torch.inference_mode():
        said = {way: run().float().softmax(1) for way, run in ways.items()}
        seconds = dict.fromkeys(ways, float("inf"))
        for _ in range(RUNS):
            for way, run in ways.items():
                began = time.perf_counter()
                run()
                seconds[way] = min(seconds[way], time.perf_counter() - began)
    off = {f"off_{way}": float((said[way] - said["plain"]).abs().max()) for way in ("float32", "bfloat16")}
    return seconds | off


@torch.no_grad()
def _spread(net: nn.Module) -> None:
    """Statistics and slopes as a training leaves them, in place of ones and zeros."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            if module.running_mean is not None and module.running_var is not None:
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.2, 1)
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.3)


def training(way: str) -> dict[str, float]:
    """Seconds and peak GiB of a training step of MSD-net(9, 50, 5) on one image; run in a process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_GIB * 2**30, MOST_GIB * 2**30))
    torch.manual_seed(0)
    net = build_network("msd_net", TRAINED).train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(1, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 4, (1, SIDE, SIDE))
    began = time.perf_counter()
    try:
        logits = net(x) if way == "ours" else concatenated(net, x)
        nn.functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
    except (RuntimeError, MemoryError):
        return {"seconds": float("nan"), "gib": float("inf")}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": time.perf_counter() - began, "gib": peak}


def main() -> None:
    """Measure all and write the section."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(training(sys.argv[1])))
        return
    forwards = {name: forward(name) for name in NETWORKS}
    header = ["network", "plain", "float32", "plain / float32", "bfloat16", "plain / bfloat16", "off", "off, bfloat16"]
    rows = [
        [
            name,
            f"{m['plain']:.3f} s",
            f"{m['float32']:.3f} s",
            f"{m['plain'] / m['float32']:.1f}",
            f"{m['bfloat16']:.3f} s",
            f"{m['plain'] / m['bfloat16']:.1f}",
            f"{m['off_float32']:.0e}",
            f"{m['off_bfloat16']:.0e}",
        ]
        for name, m in forwards.items()
    ]
    steps = [_training_row(way, title) for way, title in (("ours", "one block"), ("plain", "concatenations"))]
    text = (
        f"{machine()}\n\nForward pass on one image of {SIDE}², fastest of {RUNS} runs that take turns; off: greatest "
        f"difference of any probability from the plain way, weights at random.\n\n{table(header, rows)}\n\n"
        f"One training step of MSD-net(9, 50, 5), batch 1, {SIDE}², float32, in a process of its own:\n\n"
        f"{table(['features kept as', 'time', 'peak memory of the process'], steps)}"
    )
    write_section("networks", text)


def _training_row(way: str, title: str) -> list[str]:
    done = subprocess.run([sys.executable, __file__, way], check=False, capture_output=True, text=True)
    m = json.loads(done.stdout) if done.returncode == 0 and done.stdout else {"gib": float("inf")}
    if m["gib"] >= MOST_GIB:
        return [title, "stopped", f"over {MOST_GIB} GiB"]
    return [title, f"{m['seconds']:.1f} s", f"{m['gib']:.2f} GiB"]


if __name__ == "__main__":
    main()
