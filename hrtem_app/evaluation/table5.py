"""The thesis' Table 5, with the test losses of its Table 4: its numbers and ours side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Trained on 10^4 images and tested on 10^3; the atomic F1 by its own matching (thesis Tables 4 and 5).
THESIS: dict[str, dict[str, Any]] = {
    "unet": {
        "network": "U-net",
        "parameters": 63_080_644,
        "test_loss": 0.0159,
        "pixel_f1": 0.993,
        "pixel_f1_without_background": 0.722,
        "atomic_f1": 0.998,
    },
    "unet_pp": {
        "network": "U-net++",
        "parameters": 57_790_504,
        "test_loss": 0.0131,
        "pixel_f1": 0.994,
        "pixel_f1_without_background": 0.730,
        "atomic_f1": 0.997,
    },
    "msd_net": {
        "network": "MSD-net",
        "parameters": 277_054,
        "test_loss": 0.0148,
        "pixel_f1": 0.993,
        "pixel_f1_without_background": 0.715,
        "atomic_f1": 0.992,
    },
}
# Its networks see three frames; versions for fewer have nothing to stand beside.
_FRAMES = 3
_HEADER = (
    "network",
    "whose",
    "parameters",
    "test loss",
    "pixel F1 with background",
    "pixel F1 without background",
    "atomic F1, mean",
    "atomic F1, 10th percentile",
)
_KEYS = ("test_loss", "pixel_f1", "pixel_f1_without_background", "atomic_f1", "atomic_f1_10th_percentile")


def table5(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each network our means over the series, and the thesis' numbers for its architecture.

    Parameters
    ----------
    content
        Of `evaluation.json`.
    """
    rows = []
    for name, network in content["networks"].items():
        result = content["results"][name]
        ours = {
            "network": network["title"],
            "parameters": network["parameters"],
            "test_loss": result["test_loss_mean"],
            "pixel_f1": result["pixel_f1_mean"],
            "pixel_f1_without_background": result["pixel_f1_without_background_mean"],
            "atomic_f1": result["atomic_f1_mean"],
            "atomic_f1_10th_percentile": result["atomic_f1_10th_percentile"],
        }
        thesis = THESIS.get(network["architecture"]) if network["frames"] == _FRAMES else None
        rows.append({"name": name, "ours": ours, "thesis": thesis})
    return rows


def table5_markdown(content: Mapping[str, Any]) -> str:
    """Table 5 as a page."""
    lines = [f"| {' | '.join(_HEADER)} |", f"|{' --- |' * len(_HEADER)}"]
    for row in table5(content):
        lines += [_line(row[whose], whose) for whose in ("ours", "thesis") if row[whose] is not None]
    series = max(result["series"] for result in content["results"].values())
    note = (
        f"Ours: means over {series} series of `{content['data']}`, columns matched {_MATCHINGS[content['matching']]}. "
        "The thesis': its Tables 4 and 5, means over 1000 images of its own simulation, columns matched as its script "
        "does. Networks of other sizes, label disks of another radius and other test series: the rows show where ours "
        "stand, not which is better. Pixel scores depend on the radius of the disks."
    )
    return "# Table 5\n\n" + "\n".join(lines) + f"\n\n{note}\n"


_MATCHINGS = {"one-to-one": "one-to-one", "thesis": "as the thesis' script does"}


def _line(values: Mapping[str, Any], whose: str) -> str:
    numbers = [_said(values.get(key), 4 if key == "test_loss" else 3) for key in _KEYS]
    return f"| {' | '.join([values['network'], whose, format(values['parameters'], ','), *numbers])} |"


def _said(value: float | None, digits: int) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"
