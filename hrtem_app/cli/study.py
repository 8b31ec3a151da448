"""`study`: how good networks become with the size of the training set and their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import names, real, whole

if TYPE_CHECKING:
    from hrtem_app.study.settings import StudySettings


def study(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the study; one that was stopped goes on.")],
    preset: Annotated[
        str | None, typer.Option(metavar="thesis|small", help="Where all settings begin; thesis if not given.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with all settings; the other options overrule it.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A dataset to train on; simulated in OUT if not given.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Series to test on; simulated in OUT if not given.")
    ] = None,
    networks: Annotated[
        str | None, typer.Option(metavar="unet,unet_pp,msd_net", help="Leave out the other networks.")
    ] = None,
    sizes: Annotated[
        str | None, typer.Option(metavar="10,30,...", help="Training structures of the first sweep.")
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(metavar="4,8,...", help="Channels of the second sweep; the first takes the last of them."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="sizes|architectures", help="The first or the second sweep alone.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(parser=whole, metavar="n", help="Trainings of every cell.")] = None,
    steps: Annotated[int | None, typer.Option(parser=whole, metavar="n", help="Of every training.")] = None,
    minutes: Annotated[
        float | None, typer.Option(parser=real, metavar="t", help="Of every training, in place of steps.")
    ] = None,
    images_per_structure: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="M", help="Fixed images of each structure; 0: always new ones."),
    ] = None,
    held_out: Annotated[
        int | None, typer.Option(parser=whole, metavar="n", help="Structures that choose the weights of a run.")
    ] = None,
    seed: Annotated[int | None, typer.Option(parser=whole, metavar="S", help="Of the first repeat.")] = None,
    devices: Annotated[
        str, typer.Option(metavar="NAMES", help="auto (every GPU), cuda:0,cuda:1, or cpu,cpu for two cells at once.")
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="n", help="Processes that make examples for each cell; 0: its own."),
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try cells again that failed.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only list the cells.")] = False,
) -> None:
    """Train networks on more and more structures, and larger and larger ones: the thesis' two sweeps."""
    with ProgressLine() as progress:
        progress.wait("loading")
        from hrtem_app.study.settings import changed
        from hrtem_app.study.study import failures
        from hrtem_app.study.study import study as run

        told = changed(
            _base(preset, settings),
            networks=None if networks is None else names("--networks", networks),
            channels=_counts("--channels", channels),
            only=only,
            images_per_structure=images_per_structure,
            sizes=_counts("--sizes", sizes),
            repeats=repeats,
            steps=steps,
            minutes=minutes,
            held_out=held_out,
            seed=seed,
        )
        if workers is not None and workers < 0:
            raise ValueError(f"--workers {workers}: give 0 or more")
        paths = [] if plan else run(
            out, told, data=data, test=test, devices=devices, workers=workers, retry=retry, progress=progress.show
        )  # fmt: skip
    if plan:
        _list(out, told)
        return
    for path in paths:
        typer.echo(str(path))
    for name, error in failures(out).items():
        typer.echo(f"{name} failed ({error}); --retry tries it again", err=True)


def _base(preset: str | None, file: Path | None) -> StudySettings:
    from hrtem_app.recipe import load_settings
    from hrtem_app.study.settings import PRESETS, StudySettings

    if file is not None:
        if preset is not None:
            raise ValueError(f"--preset {preset} and --settings {file}: give one of the two")
        return load_settings(file, StudySettings)
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"--preset {preset}: give one of {', '.join(PRESETS)}")
    return PRESETS[preset or "thesis"]


def _counts(option: str, text: str | None) -> tuple[int, ...] | None:
    """Positive whole numbers from a comma list."""
    if text is None:
        return None
    items = names(option, text)
    for item in items:
        if not (item.isascii() and item.isdigit() and int(item)):
            raise ValueError(f"{option} {text}: '{item}' is not a count, give positive numbers, {option}=10,30 say")
    return tuple(int(item) for item in items)


def _list(out: Path, settings: StudySettings) -> None:
    from hrtem_app.study.study import make_tasks

    frames = settings.training.examples.frames
    for task in make_tasks(out, settings):
        result = task.result()
        state = "waiting" if result is None else f"failed: {result['error']}" if result["error"] else "finished"
        parameters = task.cell.architecture.parameters(frames)
        typer.echo(f"{task.cell.name:28s} {parameters:>12,d} parameters {task.cell.structures:6d} structures  {state}")
