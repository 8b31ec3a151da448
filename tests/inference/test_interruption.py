from __future__ import annotations

from itertools import count

import numpy as np
import pytest
import torch

from hrtem_app.inference.interruption import Interruptible, StoppedError, never
from hrtem_app.inference.predict import predict_steps
from hrtem_app.inference.turned import averaged_steps
from hrtem_app.networks.catalog import build_network

FRAMES = np.random.default_rng(0).standard_normal((3, 32, 32)).astype(np.float32)


@pytest.mark.parametrize("name", ["unet", "unet_pp", "msd_net"])
def test_a_network_stops_at_any_of_its_layers(name: str) -> None:
    module = build_network(name, {}).eval()
    asked = count()
    list(predict_steps(module, FRAMES, stop=lambda: next(asked) < 0))
    in_all = next(asked)
    # Each of them has more than twenty layers.
    assert in_all > 20
    for when in (1, in_all // 2, in_all - 2):
        asked = count(1)
        with pytest.raises(StoppedError):
            list(predict_steps(module, FRAMES, stop=lambda when=when, asked=asked: next(asked) >= when))
        assert next(asked) == when + 1


@pytest.mark.parametrize("name", ["unet", "msd_net"])
def test_being_asked_changes_no_bit(name: str) -> None:
    module = build_network(name, {}).eval()
    batch = torch.from_numpy(FRAMES)[None]
    with torch.inference_mode():
        plain = module(batch)
        with Interruptible(never):
            asked = module(batch)
    assert torch.equal(plain, asked)


def test_turned_views_are_stopped_too() -> None:
    seen = []

    class Counting(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(len(seen))
            return torch.relu(torch.cat([x, x[:, :1]], dim=1))

    steps = averaged_steps(Counting(), FRAMES, views=4, stop=lambda: len(seen) == 2)
    next(steps)
    with pytest.raises(StoppedError):
        next(steps)
    assert seen == [0, 1]


def test_nothing_is_asked_between_two_tiles() -> None:
    """Whoever runs the generator is not stopped with it."""
    steps = predict_steps(build_network("unet", {}).eval(), FRAMES, stop=never)
    next(steps)
    assert not [mode for mode in torch.overrides._get_current_function_mode_stack() if isinstance(mode, Interruptible)]
    steps.close()
