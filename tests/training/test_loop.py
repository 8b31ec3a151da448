"""Training on a tiny dataset: it learns, it resumes, it refuses what makes no training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.networks.catalog import build_network, load_network_file
from hrtem_app.simulation.dataset import Dataset, DatasetSettings, StoredStructure
from hrtem_app.simulation.multislice import MultisliceSettings
from hrtem_app.simulation.run import simulate
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.batches import Examples, ExampleSettings, Structures, batches
from hrtem_app.training.evaluation import evaluate
from hrtem_app.training.events import read_events
from hrtem_app.training.loop import train
from hrtem_app.training.settings import TrainingError, TrainingSettings, learning_rate
from hrtem_app.training.weights import correct_prior

SETTINGS = TrainingSettings(examples=ExampleSettings(crop=64, batch=2, crops=2), precision="float32")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "waves"
    settings = DatasetSettings(
        structure=StructureSettings(field_of_view=22.0, margin=1.0, layers=(1, 1), flake_radius=(0.5, 0.6)),
        multislice=MultisliceSettings(configurations=1),
    )
    simulate(folder, 3, 11, settings=settings, workers=0)
    return folder


def _train(data: Path, out: Path, steps: int, resume: bool = False) -> Path:
    return train(
        "unet",
        data,
        out,
        channels=2,
        steps=steps,
        resume=resume,
        settings=SETTINGS,
        held_out=1,
        device="cpu",
        workers=0,
    )


def test_the_loss_falls_and_the_card_tells_how(data: Path, tmp_path: Path) -> None:
    weights = _train(data, tmp_path / "run", steps=40)
    events = read_events(tmp_path / "run" / "events.jsonl")
    losses = [event["loss"] for event in events if "loss" in event]
    assert len(losses) == 40
    assert np.mean(losses[-8:]) < 0.95 * np.mean(losses[:8])
    module, card = load_network_file(weights)
    assert card.architecture == "unet"
    assert card.training["steps"] == 40
    assert card.training["structure_seeds"] == [[11, 12]]
    assert card.training["held_out_seeds"] == [[13, 13]]
    with torch.inference_mode():
        assert module(torch.zeros(1, 3, 32, 32)).shape == (1, 4, 32, 32)


def test_a_run_in_two_parts_ends_with_the_weights_of_one_in_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_file(_train(data, tmp_path / "whole", steps=6))

    class KilledError(RuntimeError):
        pass

    def stop(event: dict[str, float]) -> None:
        if event["step"] == 4:
            raise KilledError

    monkeypatch.setattr("hrtem_app.training.loop.CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(KilledError):
        train(
            "unet",
            data,
            tmp_path / "parts",
            channels=2,
            steps=6,
            settings=SETTINGS,
            held_out=1,
            device="cpu",
            workers=0,
            progress=stop,
        )
    parts = load_file(_train(data, tmp_path / "parts", steps=6, resume=True))
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-5, atol=1e-6)
    events = [read_events(tmp_path / name / "events.jsonl") for name in ("whole", "parts")]
    for what in ("loss", "validation"):
        first, second = ([(e["step"], e[what]) for e in part if what in e] for part in events)
        assert first == second
    assert [e["step"] for e in events[1] if "loss" in e] == [1, 2, 3, 4, 5, 6]


def test_examples_depend_on_the_visit_alone(data: Path) -> None:
    dataset = Dataset(data)
    early = Examples([Structures(dataset, dataset.seeds)], SETTINGS.examples, 5, range(10))
    late = Examples([Structures(dataset, dataset.seeds)], SETTINGS.examples, 5, range(4, 10))
    torch.testing.assert_close(early[4][0], late[0][0], rtol=0, atol=0)
    assert not torch.equal(early[4][0], early[5][0])
    frames, labels = next(batches(early, 0))
    assert frames.shape == (2, 3, 64, 64)
    assert set(labels.unique().tolist()) >= {0, 1, 3}


def test_the_learning_rate_rises_and_falls() -> None:
    settings = TrainingSettings(warm_up=0.1)
    rates = [learning_rate(f, settings) for f in (0.0, 0.05, 0.1, 0.5, 1.0)]
    assert rates[0] < rates[1] < rates[2] <= settings.learning_rate
    assert rates[2] > rates[3] > rates[4] == pytest.approx(0, abs=1e-9)


def test_what_makes_no_training_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"network": "vgg"}, "'vgg'.*unet"),
        ({"layers": 9}, "layers"),
        ({"channels": 0}, "0 channels"),
        ({"steps": 0}, "0"),
        ({"steps": 5, "minutes": 1.0}, "one of the two"),
        ({"resume": True}, "no checkpoint"),
        ({"held_out": 3}, "3 of 3"),
    ]
    for change, message in cases:
        arguments: dict[str, object] = {"network": "unet", "data": data, "out": tmp_path / "x"} | change
        with pytest.raises(TrainingError, match=message):
            train(**arguments)  # type: ignore[arg-type]
        assert not (tmp_path / "x").exists()


def test_a_finished_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    _train(data, tmp_path / "run", steps=1)
    with pytest.raises(TrainingError, match="--resume"):
        _train(data, tmp_path / "run", steps=1)


def test_evaluation_writes_scores_for_each_network_and_series(data: Path, tmp_path: Path) -> None:
    weights = _train(data, tmp_path / "run", steps=1)
    summary, table = evaluate(data, tmp_path / "scores", weights=[weights], images_per_structure=2)
    content = json.loads(summary.read_text())
    assert content["results"]["unet"]["series"] == 6
    assert 0 <= content["results"]["unet"]["atomic_f1"] <= 1
    assert 0 <= content["results"]["unet"]["pixel_f1"] <= 1
    assert len(table.read_text().splitlines()) == 7


def test_correcting_a_prior_divides_the_odds_of_one_class() -> None:
    torch.manual_seed(0)
    module = build_network("msd_net", {"channels": 2, "layers": 3}).eval()
    image = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        before = module(image).softmax(1)
        correct_prior(module, 2, 4.0)
        after = module(image).softmax(1)
    torch.testing.assert_close(after[:, 2] / after[:, 1], before[:, 2] / before[:, 1] / 4)
    torch.testing.assert_close(after[:, 0] / after[:, 1], before[:, 0] / before[:, 1])


@pytest.mark.parametrize("fixed", [None, 2])
def test_image_epochs_come_back_to_their_microscopes(
    data: Path, monkeypatch: pytest.MonkeyPatch, fixed: int | None
) -> None:
    """With two images for each of three structures, rounds 0 and 2 show the same six series and round 1 others."""
    import hrtem_app.training.batches as module

    seen: list[tuple[int, tuple[int, ...]]] = []
    record = module.recorded_series

    def spy(stored: StoredStructure, settings: MicroscopeSettings, seed: tuple[int, ...]) -> RecordedSeries:
        seen.append((stored.seed, seed))
        return record(stored, settings, seed)

    monkeypatch.setattr(module, "recorded_series", spy)
    settings = ExampleSettings(crop=32, crops=1, images_per_structure=fixed)
    examples = Examples([Structures(Dataset(data), (11, 12, 13))], settings, 1, range(9))
    for index in range(9):
        examples[index]
    rounds = [set(seen[i : i + 3]) for i in (0, 3, 6)]
    assert not rounds[0] & rounds[1]
    assert (rounds[0] == rounds[2]) is (fixed == 2)


def test_materials_with_other_classes_are_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dataset, "class_names", ("Mo", "SSe", "1S", "1Se"))
    with pytest.raises(TrainingError, match=r"4 classes of columns \(Mo, SSe, 1S, 1Se\).*3"):
        _train(data, tmp_path / "run", steps=1)
