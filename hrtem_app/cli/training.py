"""`train` and `evaluate`: where networks come from and how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import names, real, whole

if TYPE_CHECKING:
    from hrtem_app.evaluation.metrics import Matching


def train(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="unet, unet_pp or msd_net.")],
    data: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="A dataset that `simulate` made; again for each source of the settings."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for checkpoint, weights and card.")],
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with all settings; the other options overrule it.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the trained network in the catalog; NETWORK if not given.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to begin with, its card beside it: fine-tuning.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(parser=whole, metavar="c", help="Channels of the architecture.")
    ] = None,
    layers: Annotated[
        int | None, typer.Option(parser=whole, metavar="n", help="Layers of the architecture (msd_net).")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(parser=real, metavar="t", help="End after so many minutes of training.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(parser=whole, metavar="n", help="End after so many steps, in place of minutes.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the checkpoint in DIR.")] = False,
    seed: Annotated[int, typer.Option(parser=whole, metavar="S", help="Of weights and data.")] = 0,
    held_out: Annotated[
        int | None,
        typer.Option(
            parser=whole, metavar="n", help="Structures of each dataset to validate on; a twentieth if not given."
        ),
    ] = None,
    images_per_structure: Annotated[
        int | None,
        typer.Option(
            parser=whole, metavar="M", help="Fixed images of each structure, as in the thesis; new ones if not given."
        ),
    ] = None,
    microscope: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON with the ranges of the microscope; the thesis' if not given."),
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Use torch.compile: faster, needs a C++ compiler on a CPU.")
    ] = False,
    precision: Annotated[
        str | None, typer.Option(metavar="auto|float32|bfloat16", help="Of the convolutions; auto if not given.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="n", help="Processes that make examples; one less than cores if not given."),
    ] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write events for TensorBoard as well.")] = False,
) -> None:
    """Train a network on simulated datasets; started by `torchrun`, on several GPUs or machines."""
    with ProgressLine() as progress:
        progress.wait("loading")
        from hrtem_app.cli.settings import told_training
        from hrtem_app.recipe import load_settings
        from hrtem_app.training.loop import train as run
        from hrtem_app.training.settings import TrainingSettings

        def show(state: dict[str, float]) -> None:
            detail = f"step {state['step']:.0f}  loss {state['loss']:.4f}  {state['images_per_second']:.1f} images/s"
            progress.show("training", state["fraction"], detail)

        told = told_training(
            load_settings(settings, TrainingSettings) if settings else TrainingSettings(),
            images_per_structure=images_per_structure,
            microscope=microscope,
            compiled=compiled,
            precision=precision,
        )
        weights = run(
            network,
            data,
            out,
            name=name,
            channels=channels,
            layers=layers,
            minutes=minutes,
            steps=steps,
            resume=resume,
            start=start,
            seed=seed,
            settings=told,
            held_out=held_out,
            device=device,
            workers=workers,
            tensorboard=tensorboard,
            progress=show,
        )
    typer.echo(str(weights))


def evaluate(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="A simulated dataset, or a folder of npz series with their truth.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the scores.")],
    networks: Annotated[
        str | None, typer.Option(metavar="unet,unet_pp,msd_net", help="Networks to score; all if not given.")
    ] = None,
    weights: Annotated[
        list[Path] | None, typer.Option(metavar="FILE...", help="Weights files to score, each beside its card.")
    ] = None,
    images_per_structure: Annotated[
        int, typer.Option(parser=whole, metavar="M", help="Microscopes that see each structure.")
    ] = 1,
    microscope: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON with the ranges of the microscope; the thesis' if not given."),
    ] = None,
    matching: Annotated[
        str, typer.Option(metavar="one-to-one|thesis", help="How found columns are matched with true ones.")
    ] = "one-to-one",
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="dose,defocus,sampling-error,tilt,filter", help="Scores against these, one by one; or `all`."
        ),
    ] = None,
    write_temperature: Annotated[
        bool, typer.Option("--write-temperature", help="Put the fitted temperature into the card of each weights file.")
    ] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures and write Table 5.")] = True,
    more_weights: Annotated[list[Path] | None, typer.Argument(hidden=True, metavar="[FILE]")] = None,
) -> None:
    """Score networks on series whose columns are known."""
    files = [*(weights or []), *(more_weights or [])]
    # An option takes one value; what follows it are arguments, which stand for nothing else here.
    if more_weights and not weights:
        raise ValueError(f"'{more_weights[0]}' belongs to no option: give weights files behind --weights")
    chosen = None if networks is None else names("--networks", networks)
    sweeps = () if sweep is None else names("--sweep", sweep)
    warnings: list[str] = []
    with ProgressLine() as progress:
        progress.wait("loading")
        from hrtem_app.cli.settings import ranges
        from hrtem_app.evaluation.evaluate import evaluate as run

        def show(done: int, total: int) -> None:
            progress.show("series", done / total, f"{done} of {total}")

        paths = run(
            data,
            out,
            networks=chosen,
            weights=files,
            images_per_structure=images_per_structure,
            microscope=ranges(microscope),
            # Whether there is such a matching the library tells.
            matching=cast("Matching", matching),
            sweep=sweeps,
            figures=figures,
            write_temperature=write_temperature,
            progress=show,
            warn=warnings.append,
        )
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    for path in paths:
        typer.echo(str(path))
