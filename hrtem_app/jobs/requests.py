"""What can be asked for: to simulate, to train, to evaluate, or all three in a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from hrtem_app.evaluation.metrics import Matching
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.recipe import Part, Recipe, explain
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.training.settings import TrainingSettings, architecture_arguments, make_budget

WAVES, TEST, RUN, SCORES = "waves", "test", "run", "evaluation"


def _from_here(path: Path) -> Path:
    """Paths are those of whoever asks, wherever the job runs."""
    return path.expanduser().absolute()


Place = Annotated[Path, AfterValidator(_from_here)]
Title = Annotated[str, Field(max_length=200, description="Name of the job for people; empty: what it does.")]


class Simulation(Part):
    """What is simulated, and on which processors."""

    structures: Annotated[int, Field(ge=1, le=10_000_000, description="How many structures.")]
    seed: Annotated[int, Field(ge=0, description="Seed of the first; the next ones count up.")]
    settings: DatasetSettings = DatasetSettings()
    workers: Annotated[int | None, Field(ge=0, description="Processes here; None: one per core; 0: no extra one.")] = (
        None
    )
    memory: Annotated[str | None, Field(description='For all these processes together, as in "8GiB".')] = None
    scheduler: Annotated[str | None, Field(description="Address of a dask scheduler whose workers to use.")] = None
    slurm: Annotated[Place | None, Field(description="YAML file that describes SLURM jobs to use.")] = None
    device: Annotated[Literal["cpu", "gpu"], Field(description="gpu needs CuPy.")] = "cpu"

    @model_validator(mode="after")
    def _workers_are_of_one_kind(self) -> Self:
        from hrtem_app.simulation.cluster import open_client

        open_client(workers=self.workers, memory=self.memory, scheduler=self.scheduler, slurm=self.slurm)
        return self


class Training(Part):
    """Which network is trained, and how."""

    network: Annotated[str, Field(description="unet, unet_pp or msd_net.")]
    name: Annotated[
        str | None, Field(pattern=r"^[a-z0-9_]+$", description="In the catalog; None: that of the architecture.")
    ] = None
    channels: Annotated[int | None, Field(description="Channels of the architecture; None: its default.")] = None
    layers: Annotated[int | None, Field(description="Layers of the architecture (msd_net).")] = None
    kernel: Annotated[int | None, Field(description="Side of its kernels in pixels (msd_net), odd.")] = None
    minutes: Annotated[float | None, Field(description="End after so many minutes; 30 if nothing is given.")] = None
    steps: Annotated[int | None, Field(description="End after so many steps, in place of minutes.")] = None
    resume: Annotated[bool, Field(description="Go on with a checkpoint that is in the folder already.")] = False
    start: Annotated[Place | None, Field(description="Weights to begin with, their card beside them.")] = None
    seed: Annotated[int, Field(ge=0, description="Of weights and data.")] = 0
    settings: TrainingSettings = TrainingSettings()
    held_out: Annotated[
        int | None, Field(ge=1, description="Structures of each dataset to validate on; None: a twentieth.")
    ] = None
    device: Annotated[str, Field(description="auto, cpu, cuda, cuda:1 or mps.")] = "auto"
    workers: Annotated[
        int | None, Field(ge=0, description="Processes that make examples; None: one less than cores.")
    ] = None
    tensorboard: Annotated[bool, Field(description="Write TensorBoard's events as well.")] = False
    launch: Annotated[
        tuple[str, ...],
        Field(description="Words before the command: torchrun … -m, srun …, or sbatch --wait --wrap {command}."),
    ] = ()

    @property
    def saved_as(self) -> str:
        """Name of the trained network in its folder."""
        return self.name or self.network

    @model_validator(mode="after")
    def _makes_a_training(self) -> Self:
        make_budget(self.minutes, self.steps)
        frames = self.settings.examples.frames
        architecture_arguments(self.network, self.channels, self.layers, frames, self.kernel)
        return self


class Evaluation(Part):
    """How networks are scored."""

    images_per_structure: Annotated[int, Field(ge=1, le=10_000, description="Microscopes that see each structure.")] = 1
    microscope: MicroscopeSettings = MicroscopeSettings()
    recipe: Recipe = Recipe()
    matching: Annotated[Matching, Field(description="How found columns are matched with true ones.")] = "one-to-one"
    sweep: Annotated[tuple[str, ...], Field(description="Scores against dose, defocus, …; or all.")] = ()
    figures: Annotated[bool, Field(description="Draw figures and write the thesis' Table 5.")] = True
    write_temperature: Annotated[bool, Field(description="Put the fitted temperature into the cards.")] = False


class SimulateJob(Part):
    """Simulate a dataset, or go on with one."""

    kind: Literal["simulate"] = "simulate"
    title: Title = ""
    out: Annotated[Place, Field(description="Folder of the dataset.")]
    simulation: Simulation


class TrainJob(Part):
    """Train a network on datasets, and put it into the catalog."""

    kind: Literal["train"] = "train"
    title: Title = ""
    data: Annotated[tuple[Place, ...], Field(min_length=1, description="Datasets, one for each source.")]
    out: Annotated[Place, Field(description="Folder for checkpoint, events, weights and card.")]
    training: Training
    catalog: Annotated[bool, Field(description="Put the network into the user's folder of networks.")] = True


class EvaluateJob(Part):
    """Score networks on series whose columns are known."""

    kind: Literal["evaluate"] = "evaluate"
    title: Title = ""
    data: Annotated[Place, Field(description="A dataset, or a folder of npz series with their truth.")]
    out: Annotated[Place, Field(description="Folder for the scores.")]
    networks: Annotated[tuple[str, ...] | None, Field(description="In the catalog; None: all, or the weights.")] = None
    weights: Annotated[tuple[Place, ...], Field(description="Weights files, their cards beside them.")] = ()
    evaluation: Evaluation = Evaluation()


class ChainJob(Part):
    """Simulate, train on that, evaluate on other structures of the same kind, and put the network into the catalog."""

    kind: Literal["chain"] = "chain"
    title: Title = ""
    folder: Annotated[Place, Field(description="Folder for waves, test, run and evaluation.")]
    simulation: Simulation
    test_structures: Annotated[
        int, Field(ge=1, le=1_000_000, description="Structures to evaluate on, with the seeds after the others.")
    ] = 24
    training: Training
    evaluation: Evaluation = Evaluation()
    catalog: Annotated[bool, Field(description="Put the network into the user's folder of networks.")] = True

    @model_validator(mode="after")
    def _some_are_held_out(self) -> Self:
        if self.simulation.structures <= (self.training.held_out or 1):
            raise ValueError(
                f"{self.simulation.structures} structures leave none to train on when {self.training.held_out or 1} "
                "are held out: simulate more"
            )
        return self

    def part(self, step: str) -> SimulateJob | TrainJob | EvaluateJob:
        """What one of its steps asks for."""
        if step == "simulate":
            return SimulateJob(out=self.folder / WAVES, simulation=self.simulation)
        if step == "simulate_test":
            after = {"structures": self.test_structures, "seed": self.simulation.seed + self.simulation.structures}
            return SimulateJob(out=self.folder / TEST, simulation=self.simulation.model_copy(update=after))
        if step == "evaluate":
            weights = self.folder / RUN / f"{self.training.saved_as}.safetensors"
            return EvaluateJob(
                data=self.folder / TEST,
                out=self.folder / SCORES,
                weights=(weights,),
                evaluation=self.evaluation,
            )
        return TrainJob(data=(self.folder / WAVES,), out=self.folder / RUN, training=self.training)


Request = SimulateJob | TrainJob | EvaluateJob | ChainJob
_ANY: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])


def parse_request(content: Any) -> Request:
    """A request from what JSON holds.

    Raises
    ------
    ValueError
        For what is none; names the field and its value.
    """
    try:
        return _ANY.validate_python(content)
    except ValidationError as error:
        raise ValueError(f"the request is not valid: {explain(error)}") from error


def read_request(path: str | Path) -> Request:
    """A request from a JSON file; ValueError where it cannot be read or is none."""
    try:
        return _ANY.validate_json(Path(path).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(f"the request {path} is not valid: {explain(error)}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"the request {path} cannot be read: {error}") from error
