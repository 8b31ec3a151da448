"""What SLURM is asked for: a small YAML file, and the job script that comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from hrtem_app.recipe import Part, explain
from hrtem_app.simulation.cluster.connection import WORKER_SETTINGS
from hrtem_app.simulation.cluster.memory import ClusterError, checked_share, parse_size
from hrtem_app.simulation.cluster.process import ONE_THREAD

_REMEDY = "give more memory or fewer processes"
# minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
_WALLTIME = r"^(\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2})$"
_NOTHING = ("", "null", "~")


def _option(text: str) -> str:
    if not text.startswith("-"):
        raise ValueError(f"{text!r} is no option of sbatch: begin with -- and leave #SBATCH out")
    return text


def _size(text: str) -> str:
    parse_size(text, "memory")
    return text


class SlurmSettings(Part):
    """Jobs that are alike, each with so many worker processes of one thread."""

    jobs: Annotated[int, Field(ge=1, le=10000, description="How many jobs; one that ends is submitted again.")]
    memory: Annotated[
        str, AfterValidator(_size), Field(description='Memory of a job, as in "32GiB"; its processes share it.')
    ]
    walltime: Annotated[
        str, Field(pattern=_WALLTIME, description="Longest time of a job, as in 04:00:00 (h:min:s) or 1-12:00:00 (d-).")
    ]
    cores: Annotated[int, Field(ge=1, le=4096, description="Processor cores of a job, all on one node.")] = 1
    processes: Annotated[
        int | None,
        Field(ge=1, le=4096, description="Workers in a job; fewer than cores save memory. None: one per core."),
    ] = None
    partition: Annotated[str | None, Field(description="Partition (queue); None: the cluster's default.")] = None
    account: Annotated[str | None, Field(description="Account that is charged; None: the user's default.")] = None
    interface: Annotated[
        str | None, Field(description="Network that nodes and this machine share, as in ib0; None: dask's choice.")
    ] = None
    python: Annotated[
        str | None, Field(description="Python on the nodes that has this program; None: the one that runs now.")
    ] = None
    log_directory: Annotated[
        str | None,
        Field(description="Folder for the jobs' output, made if missing; None: slurm-<job>.out in the current folder."),
    ] = None
    job_extra_directives: Annotated[
        tuple[Annotated[str, AfterValidator(_option)], ...],
        Field(description="Further options of sbatch, as in --constraint=avx2."),
    ] = ()
    prologue: Annotated[
        tuple[str, ...], Field(description="Lines of the job script before the workers start, as in module load.")
    ] = ()

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.workers > self.cores:
            raise ValueError(f"{self.workers} processes are more than {self.cores} cores: give at most as many")
        checked_share(parse_size(self.memory, "memory"), self.workers, _REMEDY)
        return self

    @property
    def workers(self) -> int:
        """Worker processes of one job."""
        return self.processes or self.cores


def read_slurm_settings(path: str | Path) -> SlurmSettings:
    """Read settings from YAML.

    Raises
    ------
    ClusterError
        For a file that cannot be read, keys that are not known, and values that are out of bounds; names each.
    """
    import yaml

    try:
        # As text, since YAML reads 12:00:00 as a number; pydantic makes numbers of those that are some.
        content = yaml.load(Path(path).read_text(encoding="utf-8"), yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ClusterError(f"the SLURM settings {path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ClusterError(f"the SLURM settings {path} hold no keys: write lines such as `jobs: 10`")
    try:
        return SlurmSettings.model_validate({key: v for key, v in content.items() if v not in _NOTHING})
    except ValidationError as error:
        known = ", ".join(SlurmSettings.model_fields)
        raise ClusterError(f"the SLURM settings {path}: {explain(error)}; there are {known}") from error


def slurm_job_script(settings: SlurmSettings) -> str:
    """The script of each job, but for the scheduler's address and the worker's name, which are found out later.

    Raises
    ------
    ClusterError
        Where dask-jobqueue is not installed.
    """
    script: str = jobqueue().SLURMJob("tcp://SCHEDULER:8786", name="WORKER", **job_options(settings)).job_script()
    return script


def jobqueue() -> Any:
    """dask-jobqueue's SLURM module; ClusterError where it is missing."""
    try:
        from dask_jobqueue import slurm
    except ImportError as error:
        raise ClusterError(f"SLURM needs dask-jobqueue ({error}): pip install 'hrtem-app[slurm]'") from error
    return slurm


def job_options(settings: SlurmSettings) -> dict[str, Any]:
    """The settings as dask-jobqueue takes them."""
    variables = ONE_THREAD | {_variable(name): str(value) for name, value in WORKER_SETTINGS.items()}
    directives = list(settings.job_extra_directives)
    if settings.log_directory is not None:
        directives.append(f"--output={settings.log_directory}/%j.out")
    return {
        "job_name": "hrtem-app",
        # In dask-jobqueue's terms: as many cores as processes makes one thread in each.
        "cores": settings.workers,
        "processes": settings.workers,
        "job_cpu": settings.cores,
        "memory": settings.memory,
        "walltime": settings.walltime,
        "queue": settings.partition,
        "account": settings.account,
        "interface": settings.interface,
        "python": settings.python,
        "job_extra_directives": directives,
        "job_script_prologue": [f"export {name}={value}" for name, value in variables.items()] + [*settings.prologue],
        "worker_extra_args": ["--no-dashboard"],
    }


def _variable(name: str) -> str:
    """The environment variable that dask reads a setting from."""
    return "DASK_" + name.upper().replace(".", "__").replace("-", "_")
