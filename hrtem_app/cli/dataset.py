"""`dataset info`, `verify`, `preview` and `export`: what a simulated dataset holds, and what can be made of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import names, whole

if TYPE_CHECKING:
    from hrtem_app.simulation.inspection import Summary

_BARS = " ▁▂▃▄▅▆▇█"
_BINS = 24
DAMAGED = 1

app = typer.Typer(
    help="Look at a simulated dataset, check it, and export series from it.",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Microscope = Annotated[Path | None, typer.Option(metavar="FILE", help="JSON with the ranges of the microscope.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A dataset that `simulate` made.")]


@app.callback()
def _commands(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def info(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON, for scripts.")] = False,
) -> None:
    """Show how many structures there are, how their parameters are distributed, and what made them."""
    with ProgressLine() as progress:
        progress.wait("reading")
        from hrtem_app.simulation.dataset import Dataset
        from hrtem_app.simulation.inspection import summarise

        summary = summarise(Dataset(folder))
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
    else:
        typer.echo("\n".join(_lines(summary)))


def _lines(summary: Summary) -> Iterator[str]:
    first, last = summary.seeds
    missing = f", {summary.missing} of them missing" if summary.missing else ""
    yield f"structures   {summary.structures}, seeds {first} to {last}{missing}"
    yield f"columns      {', '.join(f'{n} {name}' for name, n in summary.columns.items())}"
    size = summary.bytes / 1e6
    yield f"size         {size:.1f} MB, {size / summary.structures:.2f} MB each"
    yield f"made by      {', '.join(f'{name} {_all(v)}' for name, v in summary.versions.items())}"
    for name, values in summary.parameters.items():
        yield f"{name:20s} {histogram(values)}"


def _all(versions: list[str]) -> str:
    return " and ".join(versions)


def histogram(values: list[Any]) -> str:
    """Numbers as a row of bars between the least and the greatest, anything else as counts."""
    if any(isinstance(v, bool | str) for v in values) or len(set(values)) <= 8:
        counts = Counter(f"{v:.4g}" if isinstance(v, float) else str(v) for v in sorted(values))
        return ", ".join(f"{value} ×{count}" for value, count in counts.items())
    least, greatest = min(values), max(values)
    places = Counter(min(int((v - least) / (greatest - least) * _BINS), _BINS - 1) for v in values)
    most = max(places.values())
    bars = "".join(_BARS[-(-places[i] * (len(_BARS) - 1) // most)] for i in range(_BINS))
    return f"{least:10.4g} {bars} {greatest:.4g}"


@app.command()
def verify(folder: Folder) -> int:
    """Read every chunk; the last line is `content` and a SHA-256 that is equal for equal content."""
    with ProgressLine() as progress:
        progress.wait("reading")
        from hrtem_app.simulation.dataset import Dataset
        from hrtem_app.simulation.inspection import verify as run

        def show(done: int, total: int) -> None:
            progress.show("structures", done / total, f"{done} of {total}")

        found = run(Dataset(folder), show)
    for seed, what in found.damaged.items():
        typer.echo(f"damaged {seed}: {what}")
    typer.echo(f"structures {found.structures}, damaged {len(found.damaged)}")
    typer.echo(f"content {found.content}")
    return DAMAGED if found.damaged else 0


@app.command()
def preview(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture.")] = Path("contact-sheet.png"),
    number: Annotated[int, typer.Option("--structures", parser=whole, metavar="N", help="How many are shown.")] = 16,
    microscope: Microscope = None,
) -> None:
    """Draw a contact sheet: a recorded frame of some structures, with the columns on its right half."""
    if number < 1:
        raise ValueError(f"--structures {number}: give 1 or more")
    with ProgressLine() as progress:
        progress.wait("reading")
        from hrtem_app.cli.settings import ranges
        from hrtem_app.simulation.dataset import Dataset
        from hrtem_app.simulation.figures import contact_sheet
        from hrtem_app.simulation.recording import recorded_series

        dataset, settings = Dataset(folder), ranges(microscope)
        step = max(len(dataset) // number, 1)
        series = []
        for seed in dataset.seeds[: step * number : step]:
            stored = dataset.load(seed)
            one = recorded_series(stored, settings, (seed, 0, 0))
            dose = one.microscope.dose or 0
            series.append((f"{seed}: {stored.parameters['layers']} layers, {dose:.0f} e/Å²", one))
            progress.show("series", len(series) / number)
        figure = contact_sheet(series, dataset.class_names)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150)
    typer.echo(str(out))


@app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the series.")],
    images_per_structure: Annotated[
        int, typer.Option(parser=whole, metavar="M", help="Fixed microscopes for each structure.")
    ] = 1,
    formats: Annotated[
        str, typer.Option("--format", metavar="npz,tiff", help="npz, or tiff with a CSV of the truth, or both.")
    ] = "npz",
    structures: Annotated[bool, typer.Option("--structures", help="Also write the atoms as extended XYZ.")] = False,
    seed: Annotated[int, typer.Option(parser=whole, metavar="S", help="Of microscopes and noise.")] = 0,
    microscope: Microscope = None,
) -> None:
    """Write fixed series with their truth, for test sets and for other programs."""
    chosen: Any = names("--format", formats)
    with ProgressLine() as progress:
        progress.wait("reading")
        from hrtem_app.cli.settings import ranges
        from hrtem_app.simulation.dataset import Dataset
        from hrtem_app.simulation.export import export_dataset

        def show(done: int, total: int) -> None:
            progress.show("structures", done / total, f"{done} of {total}")

        export_dataset(
            Dataset(folder),
            out,
            images_per_structure=images_per_structure,
            formats=chosen,
            structures=structures,
            microscope=ranges(microscope),
            seed=seed,
            progress=show,
        )
    typer.echo(str(out))
