"""The files of an evaluation: JSON, tables, pictures."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from hrtem_app.evaluation.scores import Outcome
from hrtem_app.evaluation.sweeps import Scenes
from hrtem_app.evaluation.table5 import table5, table5_markdown
from hrtem_app.evaluation.trial import Loaded
from hrtem_app.recipe import Recipe

_DPI = 150


class EvaluationFiles:
    """Writes into a folder, which is made if need be, and keeps the paths of what it wrote."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.paths: list[Path] = []

    def numbers(self, content: Mapping[str, Any], outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        """`evaluation.json`, `evaluation.csv` and, where there are sweeps, `sweeps.csv`."""
        whole = dict(content) | {"table5": table5(content)}
        text = json.dumps(_without_nan(whole), indent=2, ensure_ascii=False)
        self._path("evaluation.json").write_text(text + "\n", encoding="utf-8")
        rows = [{"network": name} | one.row() for name, each in outcomes.items() for one in each]
        write_csv(self._path("evaluation.csv"), rows)
        if content["sweeps"]:
            write_csv(self._path("sweeps.csv"), sweep_rows(content["sweeps"]))

    def pictures(
        self,
        content: Mapping[str, Any],
        outcomes: Mapping[str, Sequence[Outcome]],
        scenes: Scenes,
        loaded: Loaded,
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        """`table5.md` and all figures."""
        # matplotlib takes a second to load, which those who want numbers need not wait for.
        from hrtem_app.evaluation.figures import figures
        from hrtem_app.evaluation.pictures import pictures

        self._path("table5.md").write_text(table5_markdown(content), encoding="utf-8")
        shown = figures(content, outcomes) | pictures(content, outcomes, scenes, loaded, recipe, device)
        for name, figure in shown.items():
            figure.savefig(self._path(f"{name}.png"), dpi=_DPI)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        self.paths.append(path)
        return path


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the union of their fields; what is unknown stays empty."""
    fields = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _without_nan(value) for key, value in row.items()} for row in rows)


def sweep_rows(sweeps: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each sweep, value and network; numbers per class get a column for each."""
    return [
        {"sweep": sweep, "value": entry["value"], "unit": content["unit"], "network": name} | _flat(result)
        for sweep, content in sweeps.items()
        for entry in content["values"]
        for name, result in entry["results"].items()
    ]


def _flat(result: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in result.items():
        if not isinstance(value, dict):
            row[key] = value
        elif key == "confusion_2S_1S":
            row |= value
        elif "per_class" in key:
            row |= {key.replace("per_class", name): number for name, number in value.items()}
    return row


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what could not be measured is null there, and empty in a table."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
