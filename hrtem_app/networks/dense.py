"""A stack of densely connected dilated layers that keeps each feature once, and trains without keeping activations.

Layer i takes the outputs of all layers before it. Written with concatenations this holds n²/2 features for n layers,
and convolutions with three or nine outputs leave a processor's vector units mostly idle. Here layers are taken in
blocks of ten, within which no two have the same dilation. When a block is finished, what its outputs give to *all*
later layers of one dilation is one convolution, with as many outputs as there are later blocks. What a layer keeps for
the backward pass is the sum that comes out of its convolutions; outputs are made again from it, which needs no
convolution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hrtem_app.networks.dense_backward import Backward
from hrtem_app.networks.dense_parts import (
    activated,
    added,
    columns_of,
    convolution_of,
    convolve,
    later_groups,
    layer_at,
    side_by_side,
    together,
)


class DenseStack(torch.autograd.Function):
    """x, layers, head, block, *parameters → logits; use `dense_logits`."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, layers: nn.ModuleList, head: nn.Conv2d, block: int, *parameters: torch.Tensor
    ) -> torch.Tensor:
        """Keeps the sums of all layers, nothing else."""
        ctx.layers, ctx.head, ctx.block = layers, head, block
        device = x.device.type
        autocast = torch.is_autocast_enabled(device)
        ctx.dtype = torch.get_autocast_dtype(device) if autocast else x.dtype
        with torch.autocast(device, enabled=False):
            logits, sums = run(x.to(ctx.dtype), layers, head, block, keep=True)
        ctx.save_for_backward(x, *sums)
        return logits

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Block by block from the last one, each with the outputs that are made again from its sums."""
        x, *sums = ctx.saved_tensors
        layers, head = ctx.layers, ctx.head
        back = Backward(x.to(ctx.dtype), sums, layers, head, outputs[0].to(ctx.dtype))
        with torch.autocast(x.device.type, enabled=False):
            for block in reversed(blocks(len(layers), ctx.block)):
                back.block(block, ctx.block)
        named = {f"layers.{n}": p for n, p in layers.named_parameters()}
        named |= {f"head.{n}": p for n, p in head.named_parameters()}
        gradients = [back.gradients[name].to(p.dtype) for name, p in named.items()]
        first = back.of_input.to(x.dtype) if ctx.needs_input_grad[0] else None
        return (first, None, None, None, *gradients)


def dense_logits(x: torch.Tensor, layers: nn.ModuleList, head: nn.Conv2d, block: int) -> torch.Tensor:
    """Logits of a dense stack.

    Parameters
    ----------
    x
        (b, frames, y, x), what the first layer takes.
    layers
        `Layer`s of c channels each; layer i takes i·c, the first one the frames. Layers that are `block` apart have the
        same dilation.
    head
        1×1 convolution over all outputs.
    block
        Number of different dilations.

    Returns
    -------
    (b, classes, y, x).
    """
    if not torch.is_grad_enabled():
        device = x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        with torch.autocast(device, enabled=False):
            return run(x.to(dtype), layers, head, block, keep=False)[0]
    parameters = [*layers.parameters(), *head.parameters()]
    logits: torch.Tensor = DenseStack.apply(x, layers, head, block, *parameters)  # type: ignore[no-untyped-call]
    return logits


def blocks(layers: int, block: int) -> list[range]:
    """The layers, in blocks whose dilations all differ."""
    return [range(start, min(start + block, layers)) for start in range(0, layers, block)]


def run(
    x: torch.Tensor, layers: nn.ModuleList, head: nn.Conv2d, block: int, keep: bool
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits and, if they are to be kept, the sums of all layers (b, c, y, x)."""
    x = x.contiguous(memory_format=torch.channels_last)
    sums: list[Any] = [None] * len(layers)
    logits: torch.Tensor | None = None
    for part in blocks(len(layers), block):
        outputs: list[torch.Tensor] = []
        for i in part:
            layer = layer_at(layers, i)
            convolution = convolution_of(layer)
            inner = [x] if i == 0 else outputs
            if inner:
                columns = slice(None) if i == 0 else columns_of(layers, part.start, i)
                bias = convolution.bias if sums[i] is None else None
                more = convolve(together(inner), convolution.weight[:, columns], bias, convolution.dilation[0])
                sums[i] = added(sums[i], more)
            outputs.append(activated(layer, sums[i], update=True, overwrite=not keep))
            if not keep:
                sums[i] = None
        features = together(outputs)
        logits = added(logits, _through_head(features, layers, head, part))
        for later in later_groups(part, len(layers), block):
            weight, bias = side_by_side(layers, later, columns_of(layers, part.start, part.stop), part.start == 0)
            first = convolution_of(layer_at(layers, later[0]))
            wide = convolve(features, weight, bias, first.dilation[0])
            for j, piece in zip(later, torch.split(wide, first.out_channels, dim=1), strict=True):
                sums[j] = added(sums[j], piece)
    if logits is None:
        raise ValueError("a stack without layers has no logits: give at least one layer")
    return logits, [value for value in sums if value is not None]


def _through_head(features: torch.Tensor, layers: nn.ModuleList, head: nn.Conv2d, part: range) -> torch.Tensor:
    weight = head.weight[:, columns_of(layers, part.start, part.stop)]
    return convolve(features, weight, head.bias if part.start == 0 else None, 1)
