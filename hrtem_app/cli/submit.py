"""`jobs submit`: from options, which are those of the direct commands, to a job."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.job_words import begin
from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.simulation import settings_from_options, simulate
from hrtem_app.cli.training import evaluate, train
from hrtem_app.cli.values import names, real, whole

if TYPE_CHECKING:
    from hrtem_app.jobs import Request

app = typer.Typer(
    help="Begin a job; it takes the options of the command of the same name, or --request FILE.",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Title = Annotated[str, typer.Option(metavar="TEXT", help="Name of the job; what it does if not given.")]
OnlyEstimate = Annotated[
    bool, typer.Option("--estimate", help="Only measure what it would cost, on a small part of it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
Launch = Annotated[
    str | None, typer.Option(metavar="WORDS", help="Before the training's command: 'torchrun --nproc-per-node 2 -m'.")
]
NoCatalog = Annotated[bool, typer.Option("--no-catalog", help="Leave the network out of the user's networks.")]


@app.callback()
def from_file(
    context: typer.Context,
    request: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON of the whole request, as request.json of a job has it.")
    ] = None,
    estimate: OnlyEstimate = False,
    as_json: AsJson = False,
) -> None:
    """Begin the job of a file, where one is given."""
    if request is None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
        return
    if context.invoked_subcommand is not None:
        raise ValueError(f"--request {request} and `{context.invoked_subcommand}`: give one of the two")
    with ProgressLine() as progress:
        progress.wait("loading")
        from hrtem_app.jobs import read_request

        told = read_request(request)
    begin(told, estimate, as_json)


def _job_of(command: Callable[..., Any], more: Callable[..., Any], make: Callable[..., Request]) -> Callable[..., None]:
    """A command with the options of a direct one and some more, which submits what `make` makes of them.

    Parameters
    ----------
    command
        The direct one.
    more
        Its parameters are the further options, its docstring is the help.
    make
        Takes all options but `estimate` and `as_json`.
    """

    def submit(**options: Any) -> None:
        estimate, as_json = options.pop("estimate"), options.pop("as_json")
        with ProgressLine() as progress:
            progress.wait("loading")
            request = make(**options)
        begin(request, estimate, as_json)

    parts = [inspect.signature(each, eval_str=True).parameters.values() for each in (command, more)]
    parameters = [parameter for part in parts for parameter in part]
    submit.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    submit.__doc__ = more.__doc__
    return submit


def _simulate_more(title: Title = "", estimate: OnlyEstimate = False, as_json: AsJson = False) -> None:
    """Simulate a dataset in the background; options as for `hrtem-app simulate`."""


def _train_more(
    title: Title = "",
    launch: Launch = None,
    no_catalog: NoCatalog = False,
    estimate: OnlyEstimate = False,
    as_json: AsJson = False,
) -> None:
    """Train a network in the background and put it into the catalog; options as for `hrtem-app train`."""


def _evaluate_more(title: Title = "", estimate: OnlyEstimate = False, as_json: AsJson = False) -> None:
    """Score networks in the background; options as for `hrtem-app evaluate`."""


def _simulation(**options: Any) -> Request:
    from hrtem_app.jobs import SimulateJob, Simulation

    if options["preview"] is not None or options["microscope"] is not None:
        raise ValueError("--preview and --microscope are for a first look: give them to `hrtem-app simulate`")
    if options["out"] is None or options["structures"] is None or options["seed"] is None:
        raise ValueError("give --out, --structures and --seed")
    settings = settings_from_options(
        options["settings"],
        options["accuracy"],
        structure={name: options[name] for name in ("material", "support", "field_of_view")},
        multislice={"configurations": options["configurations"]},
    )
    same = ("structures", "seed", "workers", "memory", "scheduler", "slurm", "device")
    simulation = Simulation(settings=settings, **{name: options[name] for name in same})
    return SimulateJob(title=options["title"], out=options["out"], simulation=simulation)


def _training(**options: Any) -> Request:
    from hrtem_app.jobs import Training, TrainJob

    same = (
        *("network", "name", "channels", "layers", "minutes", "steps", "resume", "start", "seed", "held_out"),
        *("device", "workers", "tensorboard"),
    )
    training = Training(
        settings=_told_training(options),
        launch=tuple(shlex.split(options["launch"] or "")),
        **{name: options[name] for name in same},
    )
    return TrainJob(
        title=options["title"],
        data=tuple(options["data"]),
        out=options["out"],
        training=training,
        catalog=not options["no_catalog"],
    )


def _told_training(options: dict[str, Any]) -> Any:
    from hrtem_app.cli.settings import told_training
    from hrtem_app.recipe import load_settings
    from hrtem_app.training.settings import TrainingSettings

    file = options["settings"]
    return told_training(
        load_settings(file, TrainingSettings) if file else TrainingSettings(),
        images_per_structure=options["images_per_structure"],
        microscope=options["microscope"],
        compiled=options["compiled"],
        precision=options["precision"],
    )


def _evaluation(**options: Any) -> Request:
    from hrtem_app.cli.settings import ranges
    from hrtem_app.jobs import EvaluateJob, Evaluation

    evaluation = Evaluation(
        images_per_structure=options["images_per_structure"],
        microscope=ranges(options["microscope"]),
        matching=options["matching"],
        sweep=() if options["sweep"] is None else names("--sweep", options["sweep"]),
        figures=options["figures"],
        write_temperature=options["write_temperature"],
    )
    chosen = options["networks"]
    return EvaluateJob(
        title=options["title"],
        data=options["data"],
        out=options["out"],
        networks=None if chosen is None else names("--networks", chosen),
        weights=(*(options["weights"] or ()), *(options["more_weights"] or ())),
        evaluation=evaluation,
    )


app.command("simulate")(_job_of(simulate, _simulate_more, _simulation))
app.command("train")(_job_of(train, _train_more, _training))
app.command("evaluate")(_job_of(evaluate, _evaluate_more, _evaluation))


@app.command()
def chain(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="unet, unet_pp or msd_net.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for waves, test, run and evaluation.")],
    structures: Annotated[int, typer.Option(parser=whole, metavar="N", help="Structures to train on.")],
    seed: Annotated[int, typer.Option(parser=whole, metavar="S", help="Seed of the first structure.")] = 0,
    test_structures: Annotated[
        int, typer.Option(parser=whole, metavar="N", help="Structures to evaluate on, with the seeds after those.")
    ] = 24,
    simulation_settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with all settings of the simulation.")
    ] = None,
    accuracy: Annotated[
        str | None, typer.Option(metavar="fast|reference", help="Of the multislice calculation; fast if not given.")
    ] = None,
    material: Annotated[str | None, typer.Option(metavar="NAME", help="MoS2, MoSe2, WS2, WSe2, …")] = None,
    support: Annotated[str | None, typer.Option(metavar="NAME", help="graphene, hBN or none.")] = None,
    field_of_view: Annotated[float | None, typer.Option(parser=real, metavar="A", help="Side of images in Å.")] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with all settings of the training.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the network in the catalog.")] = None,
    channels: Annotated[int | None, typer.Option(parser=whole, metavar="c", help="Of the architecture.")] = None,
    layers: Annotated[int | None, typer.Option(parser=whole, metavar="n", help="Of the architecture.")] = None,
    minutes: Annotated[float | None, typer.Option(parser=real, metavar="t", help="Of training.")] = None,
    steps: Annotated[int | None, typer.Option(parser=whole, metavar="n", help="Of training, not minutes.")] = None,
    held_out: Annotated[int | None, typer.Option(parser=whole, metavar="n", help="Structures to validate on.")] = None,
    microscope: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with the ranges of the microscope, of both.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    workers: Annotated[int | None, typer.Option(parser=whole, metavar="n", help="Processes of each step.")] = None,
    title: Title = "",
    launch: Launch = None,
    no_catalog: NoCatalog = False,
    estimate: OnlyEstimate = False,
    as_json: AsJson = False,
) -> None:
    """Simulate, train, evaluate and put the network into the catalog, as one job."""
    with ProgressLine() as progress:
        progress.wait("loading")
        from hrtem_app.cli.settings import ranges
        from hrtem_app.jobs import ChainJob, Evaluation, Simulation, Training
        from hrtem_app.recipe import Recipe

        waves = settings_from_options(
            simulation_settings,
            accuracy,
            structure={"material": material, "support": support, "field_of_view": field_of_view},
            multislice={},
        )
        same: dict[str, Any] = {"images_per_structure": None, "compiled": False, "precision": None}
        training = Training(
            network=network,
            name=name,
            channels=channels,
            layers=layers,
            minutes=minutes,
            steps=steps,
            held_out=held_out,
            device=device,
            workers=workers,
            launch=tuple(shlex.split(launch or "")),
            settings=_told_training(same | {"settings": settings, "microscope": microscope}),
        )
        request = ChainJob(
            title=title,
            folder=out,
            simulation=Simulation(structures=structures, seed=seed, settings=waves, workers=workers),
            test_structures=test_structures,
            training=training,
            evaluation=Evaluation(microscope=ranges(microscope), recipe=Recipe(device=device)),
            catalog=not no_catalog,
        )
    begin(request, estimate, as_json)
