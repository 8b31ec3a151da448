"""`simulate`: structures and their exit waves, for training and testing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import real, whole

if TYPE_CHECKING:
    from hrtem_app.simulation.cluster import Pace
    from hrtem_app.simulation.dataset import DatasetSettings


def simulate(
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the dataset; one that was interrupted is gone on with."),
    ] = None,
    structures: Annotated[int | None, typer.Option(parser=whole, metavar="N", help="How many structures.")] = None,
    seed: Annotated[
        int | None, typer.Option(parser=whole, metavar="S", help="Seed of the first; the next ones count up.")
    ] = None,
    preview: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="SEED", help="Only a picture of this seed, and its atoms, in DIR or here."),
    ] = None,
    accuracy: Annotated[
        str | None, typer.Option(metavar="fast|reference", help="Of the multislice calculation; fast if not given.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with all settings; the other options overrule it.")
    ] = None,
    microscope: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with the ranges of the microscope, for --preview.")
    ] = None,
    material: Annotated[
        str | None, typer.Option(metavar="NAME", help="MoS2, MoSe2, WS2, WSe2, or a plug-in's.")
    ] = None,
    support: Annotated[str | None, typer.Option(metavar="NAME", help="graphene, hBN or none.")] = None,
    field_of_view: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Side of the images in Å; 70 if not given.")
    ] = None,
    configurations: Annotated[
        int | None, typer.Option(parser=whole, metavar="n", help="Frozen phonon configurations.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="n", help="Processes on this machine; one per core if not given."),
    ] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="For all of these together, such as 8GiB.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use the workers of this dask scheduler, tcp://host:8786 say.")
    ] = None,
    slurm: Annotated[Path | None, typer.Option(metavar="FILE", help="Use SLURM jobs as this YAML file says.")] = None,
    device: Annotated[str, typer.Option(metavar="cpu|gpu", help="gpu needs CuPy on the workers.")] = "cpu",
) -> None:
    """Simulate exit waves of flakes on a support, to train and test on."""
    if preview is None and (out is None or structures is None or seed is None):
        raise ValueError("give --out, --structures and --seed, or --preview SEED for a first look")
    with _no_collection() if preview is not None else nullcontext(), ProgressLine() as progress:
        progress.wait("loading")
        chosen = settings_from_options(
            settings,
            accuracy,
            structure={"material": material, "support": support, "field_of_view": field_of_view},
            multislice={"configurations": configurations},
        )
        if preview is not None:
            paths = _preview(preview, chosen, microscope, out or Path())
        else:
            paths = [_run(out, structures, seed, chosen, workers, memory, scheduler, slurm, device, progress)]
    for path in paths:
        typer.echo(str(path))


def settings_from_options(
    file: Path | None, accuracy: str | None, structure: dict[str, Any], multislice: dict[str, Any]
) -> DatasetSettings:
    """The settings in `file` (or the defaults), changed by every option that was given.

    Raises
    ------
    ValueError
        For a file that holds no settings, or an option whose value is impossible.
    """
    from hrtem_app.recipe import load_settings
    from hrtem_app.simulation.dataset import DatasetSettings
    from hrtem_app.simulation.multislice import ACCURACIES

    base: dict[str, Any] = load_settings(file, DatasetSettings).model_dump() if file is not None else {}
    if accuracy is not None:
        if accuracy not in ACCURACIES:
            raise ValueError(f"--accuracy {accuracy}: give one of {', '.join(ACCURACIES)}")
        # An accuracy says how it is calculated, not what: energy and thermal motion stay as they are.
        what = {"energy", "debye_temperature", "displacements", "parametrization"} & base.get("multislice", {}).keys()
        kept = {name: base["multislice"][name] for name in what}
        base = base | {"multislice": ACCURACIES[accuracy].model_dump() | kept}
    for part, values in (("structure", structure), ("multislice", multislice)):
        given = {name: value for name, value in values.items() if value is not None}
        base = base | {part: base.get(part, {}) | given}
    return DatasetSettings.model_validate(base)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing that torch and abTEM make while they are imported can go; to look for it takes half a second."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _preview(seed: int, settings: DatasetSettings, microscope: Path | None, folder: Path) -> list[Path]:
    from hrtem_app.cli.settings import ranges
    from hrtem_app.simulation.figures import preview_figure
    from hrtem_app.simulation.preview import preview
    from hrtem_app.simulation.structures import write_structure

    if seed < 0:
        raise ValueError(f"--preview {seed}: seeds are 0 or more")
    chosen = ranges(microscope)
    folder.mkdir(parents=True, exist_ok=True)
    shown = preview(seed, settings, chosen)
    picture, atoms = folder / f"preview-{seed}.png", folder / f"preview-{seed}.xyz"
    preview_figure(shown).savefig(picture, dpi=110)
    write_structure(shown.structure, atoms)
    return [picture, atoms]


def _run(
    out: Path | None,
    structures: int | None,
    seed: int | None,
    settings: DatasetSettings,
    workers: int | None,
    memory: str | None,
    scheduler: str | None,
    slurm: Path | None,
    device: str,
    progress: ProgressLine,
) -> Path:
    from hrtem_app.simulation.run import simulate as run

    def show(pace: Pace) -> None:
        progress.show("structures", pace.count / pace.total, pace.text())

    if out is None or structures is None or seed is None:
        raise ValueError("give --out, --structures and --seed")
    run(
        out,
        structures,
        seed,
        settings=settings,
        workers=workers,
        memory=memory,
        scheduler=scheduler,
        slurm=slurm,
        device=device,
        progress=show,
    )
    return out
