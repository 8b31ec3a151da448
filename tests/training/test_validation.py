"""What a validation says of maps whose reading is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hrtem_app.columns import CLASSES
from hrtem_app.simulation.dataset import Dataset
from hrtem_app.simulation.labels import RADIUS, disk_labels
from hrtem_app.training.batches import ExampleSettings, Structures
from hrtem_app.training.validation import CHOSEN_BY, Validation

MO, TWO_S, ONE_S = (CLASSES.index(name) for name in ("Mo", "2S", "1S"))


@pytest.fixture(scope="module")
def validation(data: Path) -> Validation:
    """One series of one grain."""
    dataset = Dataset(data)
    return Validation([Structures(dataset, dataset.seeds[:1])], ExampleSettings(), 1)


def _maps(validation: Validation, classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Maps that are sure of these classes at the true places."""
    (scene,) = validation.scenes
    shape = (scene.frames.shape[1], scene.frames.shape[2])
    labels = disk_labels(scene.positions, classes, shape, scene.sampling, RADIUS, len(CLASSES))
    return np.stack([np.where(labels == index, 0.97, 0.01) for index in range(len(CLASSES) + 1)]).astype(np.float32)


def _exchanged(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(classes == MO, TWO_S, MO)


def test_the_truth_scores_one_however_it_is_read(validation: Validation) -> None:
    scores = validation.score_maps([_maps(validation, validation.scenes[0].classes)])
    assert scores["atomic_f1"] == scores["analysed_f1"] == scores[CHOSEN_BY] == 1


def test_a_grain_that_is_turned_round_as_a_whole_does_not_decide_which_weights_are_chosen(
    validation: Validation,
) -> None:
    truth = validation.scenes[0].classes
    scores = validation.score_maps([_maps(validation, _exchanged(truth))])
    assert scores["atomic_f1"] < 0.1
    assert scores["analysed_f1"] < 0.1
    assert scores[CHOSEN_BY] > 0.9


def test_pairs_that_are_taken_for_vacancies_do_decide(validation: Validation) -> None:
    truth = validation.scenes[0].classes
    read = truth.copy()
    read[np.flatnonzero(truth == TWO_S)[::2]] = ONE_S
    exchanged = _maps(validation, _exchanged(truth))
    wrong = validation.score_maps([_maps(validation, read)])[CHOSEN_BY]
    assert wrong < validation.score_maps([exchanged])[CHOSEN_BY] - 0.1
