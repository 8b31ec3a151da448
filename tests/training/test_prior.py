"""Taking back that a class was shown too often."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from hrtem_app.networks.catalog import build_network
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.simulation.labels import disk_labels
from hrtem_app.training.batches import RARE, ExampleSettings, Structures
from hrtem_app.training.prior import fit_prior, rescaled
from hrtem_app.training.validation import Validation
from hrtem_app.training.weights import correct_prior


def test_rescaled_maps_are_those_of_a_corrected_network() -> None:
    torch.manual_seed(0)
    module = build_network("unet", {"channels": 2}).eval()
    image = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        before = module(image).softmax(1)[0].numpy()
        correct_prior(module, RARE, 3.0)
        after = module(image).softmax(1)[0].numpy()
    np.testing.assert_allclose(rescaled(before, RARE, -math.log(3.0)), after, rtol=1e-5, atol=1e-7)


def test_the_factor_is_found_that_makes_vacancies_as_frequent_as_they_are(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset(data)
    validation = Validation([Structures(dataset, dataset.seeds)], ExampleSettings(), 3)
    maps = []
    for scene in validation.scenes:
        shape = (scene.frames.shape[1], scene.frames.shape[2])
        labels = disk_labels(scene.positions, scene.classes, shape, scene.sampling)
        truth = (np.arange(4)[:, None, None] == labels) * 0.9 + 0.025
        # Pairs look nearly as much like single atoms, singles much more: the odds are right once divided by e.
        pair, single = labels == 1, labels == 2
        truth[1], truth[2] = truth[1] + single * 0.02, truth[2]
        truth[1:3, pair] = np.array([[0.55], [0.40]])
        truth[1:3, single] = np.array([[0.25], [0.70]])
        maps.append(rescaled(truth.astype(np.float32), RARE, 1.0))
    monkeypatch.setattr(Validation, "maps", lambda *_: maps)
    found = fit_prior(torch.nn.Identity(), validation, torch.device("cpu"))
    # Pairs turn into singles below 1 - log(0.55/0.40), singles into pairs above 1 + log(0.70/0.25).
    assert 1 - math.log(0.55 / 0.40) < found < 1 + math.log(0.70 / 0.25)
    assert validation.score_maps([rescaled(m, RARE, -found) for m in maps])["f1_1S"] == 1.0
