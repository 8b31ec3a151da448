"""What a device calculates with: precision, memory layout, and how much memory is in use."""

from __future__ import annotations

import psutil
import torch
from torch import nn

from hrtem_app.training.settings import TrainingSettings


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The type in which convolutions calculate: for `auto`, bfloat16 where the device has it in hardware."""
    if wanted == "auto":
        if device.type == "cuda":
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            native = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
        return torch.bfloat16 if native else torch.float32
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def memory_layout(model: nn.Module, settings: TrainingSettings, device: torch.device) -> torch.memory_format:
    """Channels last on GPUs, for bfloat16 and compiled; else what is faster for this network on a CPU (measured)."""
    if device.type == "cuda" or settings.compiled or choose_precision(settings.precision, device) == torch.bfloat16:
        return torch.channels_last
    layout: torch.memory_format = getattr(model, "cpu_layout", torch.contiguous_format)
    return layout


def used_memory(device: torch.device) -> int:
    """Bytes that this process holds: of the GPU the most so far, else of the machine now."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)
