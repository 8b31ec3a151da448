"""Settings and draws of microscopes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hrtem_app.microscope.draw import MicroscopeSettings, draw_microscope
from hrtem_app.recipe import explain


def test_draws_stay_in_their_ranges_and_repeat() -> None:
    settings = MicroscopeSettings(angular_spread=(1e-4, 3e-4), aperture=(0.02, 0.04))
    for seed in range(50):
        drawn = draw_microscope(settings, np.random.default_rng(seed))
        assert drawn == draw_microscope(settings, np.random.default_rng(seed))
        steps = np.diff(drawn.defocus)
        assert len(drawn.defocus) == 3
        assert settings.defocus[0] <= drawn.defocus[0] <= settings.defocus[1]
        assert ((steps >= 49) & (steps <= 51)).all()
        numbers = drawn.parameters()
        ranges = set(MicroscopeSettings.model_fields) - {"frames", "defocus", "defocus_step"}
        for name in ranges:
            low, high = getattr(settings, name)
            assert low <= numbers[name] <= high, name
        assert 0 <= numbers["phi12"] <= 2 * np.pi


def test_doses_are_drawn_log_uniformly() -> None:
    settings = MicroscopeSettings(dose=(10, 1000))
    doses = [draw_microscope(settings, np.random.default_rng(seed)).dose for seed in range(400)]
    assert np.median(np.array(doses, float)) == pytest.approx(100, rel=0.25)


def test_new_settings_leave_the_draws_of_the_others_alone() -> None:
    plain = draw_microscope(MicroscopeSettings(), np.random.default_rng(4)).parameters()
    more = draw_microscope(
        MicroscopeSettings(angular_spread=(1e-4, 3e-4), aperture=(0.02, 0.04)), np.random.default_rng(4)
    ).parameters()
    assert {name for name in plain if plain[name] != more[name]} == {"angular_spread", "aperture"}


def test_defaults_are_those_of_the_thesis() -> None:
    settings = MicroscopeSettings().model_dump()
    assert settings.pop("dose") == pytest.approx((316.2278, 1e5))
    assert settings == {
        "frames": 3,
        "defocus": (-150, 50),
        "defocus_step": (49, 51),
        "c12": (0, 25),
        "c21": (0, 600),
        "c30": (-15e4, 15e4),
        "focal_spread": (5, 10),
        "angular_spread": (0, 0),
        "aperture": None,
        "blur": (0.05, 0.25),
        "sampling": (0.215, 0.235),
        "mtf": (0.2, 0.6),
        "readout": (0.005, 0.015),
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dose", (-3, 10), "dose = (-3, 10): -3 is outside of 1 to 1e+07 e/Å²"),
        ("dose", (0, 10), "0 is outside of 1 to 1e+07 e/Å²"),
        ("dose", (100, 10), "dose = (100, 10): 100 to 10 is no range"),
        ("defocus", (-2001, 0), "-2001 is outside of -2000 to 2000 Å"),
        ("defocus_step", (0, 50), "0 is outside of 1 to 500 Å"),
        ("c12", (-1, 5), "-1 is outside of 0 to 1000 Å"),
        ("c21", (0, 10_001), "10001 is outside of 0 to 10000 Å"),
        ("c30", (0, 2e7), "2e+07 is outside of -1e+07 to 1e+07 Å"),
        ("focal_spread", (-5, 5), "-5 is outside of 0 to 100 Å"),
        ("angular_spread", (0, 1), "1 is outside of 0 to 0.01 rad"),
        ("aperture", (20, 20), "20 is outside of 0.001 to 0.5 rad"),
        ("blur", (0, 3), "3 is outside of 0 to 2 Å"),
        ("sampling", (0.01, 0.2), "0.01 is outside of 0.05 to 1 Å/px"),
        ("mtf", (0, 0.5), "0 is outside of 0.01 to 1"),
        ("readout", (0, 0.6), "0.6 is outside of 0 to 0.5"),
        ("frames", 0, "frames = 0: 0 is outside of 1 to 100"),
        ("readout", (0, float("nan")), "readout"),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        MicroscopeSettings(**{name: value})
    message = explain(refusal.value)
    assert words in message
    assert message.startswith(f"{name} = ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("defocus", (-2000, 2000)),
        ("defocus_step", (1, 500)),
        ("dose", (1, 1e7)),
        ("sampling", (0.05, 1)),
        ("aperture", None),
        ("aperture", (0.02, 0.02)),
    ],
)
def test_bounds_are_allowed(name: str, value: Any) -> None:
    settings = MicroscopeSettings(**{name: value})
    assert MicroscopeSettings.model_validate_json(settings.model_dump_json()) == settings
    draw_microscope(settings, np.random.default_rng(0))


def test_parameters_of_a_microscope_are_plain_json() -> None:
    numbers = draw_microscope(MicroscopeSettings(), np.random.default_rng(0)).parameters()
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers | {"defocus": list(numbers["defocus"])}
