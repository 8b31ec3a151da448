"""Accuracy of the shipped networks, as `hrtem-app evaluate` gives it, on one or more sets of series with their truth.

Run from the repository root: `python benchmarks/accuracy.py TITLE=FOLDER ...`; it rewrites its section of
`docs/benchmarks.md` and the short table in `README.md`. A folder is a dataset that `hrtem-app simulate` made, or npz
series with their truth.
"""

from __future__ import annotations

import json
import sys
import tempfile

from report import ROOT, table, write_section

from hrtem_app.evaluation.evaluate import evaluate
from hrtem_app.recipe import Recipe, Sublattice

HEADER = [
    "network",
    "atomic F1",
    "mean / 10th percentile",
    "Mo",
    "2S",
    "1S",
    "2S→1S",
    "1S→2S",
    "error, pm",
    "without grains",
]


def results(folder: str, sublattice: bool) -> tuple[dict, int]:
    """Results by network, and the number of series."""
    recipe = Recipe(sublattice=Sublattice(enabled=sublattice))
    with tempfile.TemporaryDirectory() as out:
        summary, _ = evaluate(folder, out, recipe=recipe)
        found = json.loads(summary.read_text(encoding="utf-8"))["results"]
    return found, next(iter(found.values()))["series"]


def main() -> None:
    """Evaluate and write."""
    sections, short = [], dict[str, list[str]]()
    for argument in sys.argv[1:]:
        title, _, folder = argument.partition("=")
        found, count = results(folder, sublattice=True)
        plain, _ = results(folder, sublattice=False)
        rows = []
        for name, r in found.items():
            short.setdefault(name, [name]).append(f"{r['atomic_f1']:.3f} (1S {r['atomic_f1_per_class']['1S']:.2f})")
            per_class, confusion = r["atomic_f1_per_class"], r["confusion"]
            rows.append(
                [
                    name,
                    f"{r['atomic_f1']:.4f}",
                    f"{r['atomic_f1_mean']:.3f} / {r['atomic_f1_10th_percentile']:.3f}",
                    *(f"{per_class[c]:.3f}" for c in ("Mo", "2S", "1S")),
                    str(confusion["2S"]["1S"]),
                    str(confusion["1S"]["2S"]),
                    f"{r['position_error_pm']:.1f}",
                    f"{plain[name]['atomic_f1']:.4f}",
                ]
            )
        sections.append(f"**{title}** ({count} series)\n\n{table(HEADER, rows)}")
    write_section("accuracy", "\n\n".join(sections))
    titles = [argument.partition("=")[0] for argument in sys.argv[1:]]
    summary = table(["atomic F1", *titles], list(short.values()))
    more = "Per class, errors and how it was measured: [docs/benchmarks.md](docs/benchmarks.md)."
    write_section("accuracy", f"{summary}\n\n{more}", ROOT / "README.md")


if __name__ == "__main__":
    main()
