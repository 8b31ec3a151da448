"""Training on a tiny dataset: it learns, it resumes, it refuses what makes no training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.record import RecordedSeries
from hrtem_app.networks.catalog import build_network, load_network_file
from hrtem_app.simulation.dataset import Dataset, DatasetError, StoredStructure
from hrtem_app.training.batches import (
    BLOCK,
    Examples,
    ExampleSettings,
    Source,
    Structures,
    batches,
    visiting_order,
)
from hrtem_app.training.events import read_events
from hrtem_app.training.loop import check_datasets, train
from hrtem_app.training.loss import mean_loss, rim_pixels
from hrtem_app.training.settings import TrainingError, TrainingSettings, learning_rate
from hrtem_app.training.validation import CHOSEN_BY
from hrtem_app.training.weights import correct_prior

SETTINGS = TrainingSettings(examples=ExampleSettings(crop=64, batch=2, crops=2), precision="float32")


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


def test_sources_are_visited_in_their_shares_and_show_their_own_structures(data: Path) -> None:
    assert visiting_order([1]) == [0] * BLOCK
    assert visiting_order([3, 1]).count(0) == 15
    assert set(visiting_order([1000, 1, 1])) == {0, 1, 2}
    order = visiting_order([1, 1])
    assert order[:4] in ([0, 1, 0, 1], [1, 0, 1, 0])

    dataset = Dataset(data)
    dim, bright = MicroscopeSettings(dose=(1e2, 1e2)), MicroscopeSettings(dose=(1e6, 1e6))
    settings = ExampleSettings(sources=(Source(microscope=dim), Source(microscope=bright)), crop=32, crops=1)
    examples = Examples([Structures(dataset, (11,)), Structures(dataset, (12, 13))], settings, 1, range(8))
    rough = [float((f[..., 1:] - f[..., :-1]).std()) for f, _ in (examples[i] for i in range(8))]
    assert min(r for r, s in zip(rough, examples.block, strict=False) if s == 0) > max(
        r for r, s in zip(rough, examples.block, strict=False) if s == 1
    )
    # In the order of its own visits, the second source goes through its two structures before one comes back.
    own = [examples._source(i)[1] for i in range(2 * BLOCK) if examples.block[i % BLOCK] == 1]
    assert own == list(range(BLOCK))


def test_images_smaller_than_the_crop_give_equal_crops(data: Path) -> None:
    dataset = Dataset(data)
    structures = [Structures(dataset, dataset.seeds)]
    # 22 Å are 93 to 110 pixels.
    settings = ExampleSettings(
        sources=(Source(microscope=MicroscopeSettings(sampling=(0.2, 0.235))),), batch=4, crops=1
    )
    made = batches(Examples(structures, settings, 0, range(12)), 0)
    assert {(tuple(frames.shape), tuple(labels.shape)) for frames, labels in made} == {((4, 3, 88, 88), (4, 88, 88))}


def test_images_too_small_for_any_crop_are_refused(data: Path) -> None:
    dataset = Dataset(data)
    settings = ExampleSettings(sources=(Source(microscope=MicroscopeSettings(sampling=(0.5, 0.9))),))
    with pytest.raises(DatasetError, match="images of 24 pixels and a crop takes 32 at least: give series"):
        Examples([Structures(dataset, dataset.seeds)], settings, 0, range(1))


def test_crops_can_be_aimed_at_vacancies(data: Path) -> None:
    def middles(aimed_rare: float) -> list[int]:
        settings = ExampleSettings(crop=32, crops=8, aimed=1.0, aimed_rare=aimed_rare)
        examples = Examples([Structures(Dataset(data), (11, 12, 13))], settings, 1, range(6))
        return [int(label[12:20, 12:20].eq(2).any()) for i in range(6) for label in examples[i][1]]

    assert any((Dataset(data).load(seed).classes == 2).any() for seed in (11, 12, 13))
    assert sum(middles(1.0)) > sum(middles(0.0)) + 4


def test_sources_of_different_numbers_of_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="3, 1 frames"):
        ExampleSettings(sources=(Source(), Source(microscope=MicroscopeSettings(frames=1))))


def test_a_dataset_without_a_source_is_refused(data: Path, tmp_path: Path) -> None:
    two = TrainingSettings(examples=ExampleSettings(sources=(Source(), Source())))
    with pytest.raises(TrainingError, match="3 datasets and 2 sources"):
        train("unet", [data, data, data], tmp_path / "run", steps=1, settings=two)
    assert len(check_datasets([Dataset(data)] * 3, TrainingSettings()).examples.sources) == 3


def test_the_best_weights_are_kept_and_patience_ends_a_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter([(0.2, 0.9), (0.7, 0.6), (0.6, 0.8), (0.5, 0.8), (0.9, 0.7)])
    monkeypatch.setattr(
        "hrtem_app.training.loop.Validation.score",
        lambda *_: dict(zip((CHOSEN_BY, "atomic_f1"), next(said), strict=True)),
    )
    settings = SETTINGS.model_copy(update={"validations": 10, "patience": 2})
    kept: list[dict[str, torch.Tensor]] = []

    def keep(event: dict[str, float]) -> None:
        kept.append({k: v.clone() for k, v in load_file(tmp_path / "run" / "best.safetensors").items()})

    weights = train(
        "unet",
        data,
        tmp_path / "run",
        channels=2,
        steps=10,
        settings=settings,
        held_out=1,
        device="cpu",
        workers=0,
        progress=keep,
    )
    _, card = load_network_file(weights)
    assert card.training["steps"] == 4  # two after the best one
    assert card.training["validation"] == {"atomic_f1": 0.6, CHOSEN_BY: 0.7, "step": 2}
    final = load_file(weights)
    for name, tensor in kept[1].items():
        torch.testing.assert_close(final[name], tensor, rtol=0, atol=0)
    assert not torch.equal(kept[0]["head.weight"], kept[1]["head.weight"])


def test_a_checkpoint_of_other_settings_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    _train(data, tmp_path / "run", steps=1)
    other = SETTINGS.model_copy(update={"rare_weight": 7.0})
    with pytest.raises(ValueError, match=r"rare_weight was 2.0 and is now 7.0"):
        train("unet", data, tmp_path / "run", channels=2, steps=2, resume=True, settings=other, workers=0)


def test_a_training_can_begin_with_other_weights_and_another_number_of_frames(data: Path, tmp_path: Path) -> None:
    weights = _train(data, tmp_path / "three", steps=1)
    one = SETTINGS.model_copy(
        update={
            "examples": SETTINGS.examples.model_copy(
                update={"sources": (Source(microscope=MicroscopeSettings(frames=1)),)}
            ),
            "learning_rate": 1e-12,
            "rare_weight": 1.0,
        }
    )
    out = tmp_path / "one"
    single = train(
        "unet", data, out, name="unet_single", channels=2, steps=1, settings=one, start=weights, device="cpu", workers=0
    )
    assert single.name == "unet_single.safetensors"
    three, (module, card) = load_file(weights), load_network_file(single)
    assert (card.name, card.frames, card.training["started_from"]) == ("unet_single", 1, "unet.safetensors")
    mine = module.state_dict()
    torch.testing.assert_close(mine["down.0.first.0.weight"], three["down.0.first.0.weight"].sum(1, keepdim=True))
    torch.testing.assert_close(mine["head.weight"], three["head.weight"])
    longer = train(
        "unet", data, out, name="longer", channels=2, steps=2, settings=one, resume=True, device="cpu", workers=0
    )
    assert load_network_file(longer)[1].training["started_from"] == "unet.safetensors"
    with pytest.raises(TrainingError, match="same architecture"):
        train("unet_pp", data, tmp_path / "x", channels=2, steps=1, start=weights)
    with pytest.raises(TrainingError, match="'channels': 2"):
        train("unet", data, tmp_path / "x", channels=3, steps=1, start=weights)


def test_the_loss_is_the_weighted_cross_entropy_with_a_focal_term() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 6, 6), torch.randint(0, 4, (2, 6, 6))
    weight = torch.tensor([1.0, 1.0, 2.5, 1.0])
    expected = torch.nn.functional.cross_entropy(logits, labels, weight)
    torch.testing.assert_close(mean_loss(logits, labels, weight), expected)
    torch.testing.assert_close(mean_loss(logits, labels, weight, focal=1e-9), expected)
    p = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    by_hand = -(weight[labels] * (1 - p) ** 2 * p.log()).sum() / weight[labels].sum()
    torch.testing.assert_close(mean_loss(logits, labels, weight, focal=2.0), by_hand)


def test_rims_of_disks_count_less_on_both_sides() -> None:
    labels = torch.full((1, 9, 9), 3)
    labels[0, 2:7, 2:7] = 1
    rim = torch.zeros(1, 9, 9, dtype=torch.bool)
    rim[0, 1:8, 1:8] = True  # a ring of one pixel on each side of the edge
    rim[0, 3:6, 3:6] = False
    assert torch.equal(rim_pixels(labels), rim)
    torch.manual_seed(0)
    logits = torch.randn(1, 4, 9, 9)
    weight = torch.tensor([1.0, 2.5, 1.0, 0.5])
    lost = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    weights = weight[labels] * torch.where(rim, 0.1, 1.0)
    by_hand = (weights * lost).sum() / weights.sum()
    torch.testing.assert_close(mean_loss(logits, labels, weight, rim_weight=0.1), by_hand)


def test_materials_with_other_classes_are_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dataset, "class_names", ("Mo", "SSe", "1S", "1Se"))
    with pytest.raises(TrainingError, match=r"4 classes of columns \(Mo, SSe, 1S, 1Se\).*3"):
        _train(data, tmp_path / "run", steps=1)


def test_tensorboard_gets_the_same_numbers(data: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(
        "unet",
        data,
        tmp_path / "run",
        channels=2,
        steps=3,
        settings=SETTINGS,
        held_out=1,
        device="cpu",
        workers=0,
        tensorboard=True,
    )
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    board.Reload()
    events = [event for event in read_events(tmp_path / "run" / "events.jsonl") if "loss" in event]
    shown = board.Scalars("loss")
    assert [scalar.step for scalar in shown] == [1, 2, 3]
    assert [scalar.value for scalar in shown] == pytest.approx([event["loss"] for event in events])
    assert {"learning_rate", "images_per_second", "memory", "atomic_f1", "f1_1S"} <= set(board.Tags()["scalars"])
