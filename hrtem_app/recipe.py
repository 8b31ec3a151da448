"""The recipe: everything that an analysis was told, as one validated, frozen model.

The forms on screen edit it, the command line fills it, a JSON file stores it and every result carries it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError


class Part(BaseModel):
    """A frozen model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Settings = TypeVar("Settings", bound=Part)


class Alignment(Part):
    """Drift between the frames, taken out before anything else."""

    enabled: Annotated[bool, Field(description="Shift the frames onto the first one that is used.")] = False
    shifts: Annotated[
        tuple[tuple[FiniteFloat, FiniteFloat], ...] | None,
        Field(
            description="(dy, dx) in pixels for each frame, in the order in which they are used: how far its content "
            "lies from where it is in the first one; only differences count. None: measured."
        ),
    ] = None
    largest: Annotated[float, Field(gt=0, le=200, description="Drift in Å within which a frame is sought.")] = 10.0


class LatticeFilter(Part):
    """Removal of the support's lattice in Fourier space (thesis section 2.1.5)."""

    enabled: Annotated[bool, Field(description="Remove the support's lattice before the networks see the series.")] = (
        True
    )
    lattice_constant: Annotated[float, Field(gt=0.5, lt=20, description="Lattice constant of the support in Å.")] = (
        2.467
    )
    rings: Annotated[int, Field(ge=1, le=3, description="How many rings of spots are removed.")] = 3
    radius: Annotated[float, Field(gt=0, le=0.2, description="Radius of the disk removed around each spot, 1/Å.")] = (
        0.030
    )
    edge: Annotated[float, Field(gt=0, le=0.05, description="Width of the Fermi edge of each disk, 1/Å.")] = 0.004
    lattices: Annotated[int, Field(ge=1, le=6, description="How many turned lattices to look for.")] = 1
    angles: Annotated[
        tuple[float, ...] | None,
        Field(
            description="Angles of the first spot of each lattice in rad, 0 to π/3; None: found in the power spectrum."
        ),
    ] = None


class Standardisation(Part):
    """Local standardisation (thesis equation 3.3.1)."""

    sigma: Annotated[float, Field(gt=0, le=1000, description="Standard deviation of the Gaussian in Å.")] = 12.0


class ColumnFinding(Part):
    """From a probability map to columns."""

    threshold: Annotated[
        float, Field(gt=0, lt=1, description="Least probability, of all classes together, that a column is there.")
    ] = 0.5
    smoothing: Annotated[
        float, Field(ge=0, le=2, description="Gaussian smoothing of the map before its maxima are sought, σ in Å.")
    ] = 0.25
    window: Annotated[
        float,
        Field(gt=0, le=3, description="Radius in Å of the window of the sub-pixel refinement; the shift stays inside."),
    ] = 0.65
    min_distance: Annotated[
        float, Field(gt=0, le=3, description="No two columns, of any class, are nearer than this, in Å.")
    ] = 0.9


class Sublattice(Part):
    """Mo against S, decided for whole grains after the networks."""

    enabled: Annotated[
        bool, Field(description="Decide which sublattice of a grain is Mo from all its columns, not column by column.")
    ] = True
    columns: Annotated[int, Field(ge=3, le=10000, description="Smallest grain, in columns, that is decided.")] = 12
    evidence: Annotated[
        float,
        Field(ge=0, le=5, description="Least mean log odds for a decision; below it a grain is marked as undecided."),
        # On 64 single simulated frames no grain that two networks read wrongly had more than 0.6, and none that they
        # read rightly less than 0.9; eight series far outside of the thesis' ranges had 3 at least.
    ] = 0.75


class Agreement(Part):
    """Matching of the columns of several networks into sites."""

    distance: Annotated[
        float, Field(gt=0, le=3, description="Columns of two networks within this distance in Å are the same site.")
    ] = 0.65


class MeasureSettings(Part):
    """Choices of a measurement; lengths are in Å."""

    region: Annotated[
        tuple[tuple[FiniteFloat, FiniteFloat], ...] | None,
        Field(min_length=3, description="Corners (y, x) in pixels of a polygon to measure in; None: the whole image."),
    ] = None
    votes: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="Columns on whose class fewer networks agree are in no count of classes, but for those that a "
            "person edited or reviewed.",
        ),
    ] = 1
    decided_only: Annotated[
        bool,
        Field(
            description="Leave grains out of the counts of classes whose sublattices are undecided, but for columns "
            "that a person edited or reviewed."
        ),
    ] = False
    confidence: Annotated[
        float, Field(gt=0.5, lt=1, description="Confidence of the intervals of fractions; 0.95 is 95 %.")
    ] = 0.95
    smallest_grain: Annotated[
        int, Field(ge=8, le=10000, description="Least number of columns that a lattice is fitted to.")
    ] = 12
    border: Annotated[
        float, Field(ge=0, le=20, description="Nearer than this to the image's border, in Å, no column is missed.")
    ] = 2.5
    reference: Annotated[
        float | None,
        Field(gt=1, lt=20, description="Lattice constant in Å that strain is relative to; None: each grain's own."),
    ] = None
    strain_radius: Annotated[
        float, Field(ge=3.5, le=50, description="Columns within this radius in Å give the strain at one.")
    ] = 5.0
    largest_vacancy: Annotated[
        int, Field(ge=1, le=1000, description="More neighbouring columns missing than this are a hole with an edge.")
    ] = 6
    largest_antisite: Annotated[
        int, Field(ge=1, le=1000, description="More neighbours than this on the wrong sublattice are no antisites.")
    ] = 4
    shortest_edge: Annotated[
        float, Field(ge=0, le=1000, description="Straight pieces of an edge below this length in Å have no direction.")
    ] = 9.0
    edge_angle: Annotated[
        float, Field(gt=0, le=15, description="How far from zigzag or armchair, in degrees, an edge may run.")
    ] = 10.0


class Recipe(Part):
    """Everything that an analysis was told."""

    sampling: Annotated[
        float | None, Field(gt=0, le=100, description="Å per pixel in place of what the file says; None: the file's.")
    ] = None
    defocus: Annotated[
        tuple[float, ...] | None,
        Field(description="Defocus per frame in Å in place of what the file says; None: the file's."),
    ] = None
    energy: Annotated[
        float | None,
        Field(gt=0, le=3e6, description="Electron energy in eV in place of what the file says; None: the file's."),
    ] = None
    frames: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        Field(
            min_length=1, description="0-based frames that the networks see, in order; None: the first ones by defocus."
        ),
    ] = None
    alignment: Alignment = Alignment()
    filter: LatticeFilter = LatticeFilter()
    standardisation: Standardisation = Standardisation()
    networks: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Names of the networks that are run, see `hrtem-app networks`."),
    ] = ("unet", "unet_pp", "msd_net")
    device: Annotated[str, Field(description="auto, cpu, cuda, cuda:1 or mps.")] = "auto"
    precision: Annotated[
        Literal["float32", "bfloat16"],
        Field(description="Of the networks; bfloat16 is faster where the device has it, probabilities change by 0.03."),
    ] = "float32"
    views: Annotated[
        Literal[1, 2, 4, 8],
        Field(description="Turned and mirrored views whose predictions are averaged; each takes as long as one."),
    ] = 1
    columns: ColumnFinding = ColumnFinding()
    sublattice: Sublattice = Sublattice()
    agreement: Agreement = Agreement()
    measure: MeasureSettings = MeasureSettings()

    def of_analysis(self) -> Recipe:
        """Only what columns depend on: the device and what is measured on them afterwards are as by default."""
        return self.model_copy(update={"device": "auto", "measure": MeasureSettings()})

    def save(self, path: str | Path) -> None:
        """Write the recipe as JSON."""
        Path(path).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe from JSON.

        Raises
        ------
        ValueError
            For a file that cannot be read or does not hold a valid recipe; names the field and its value.
        """
        return _loaded(path, cls, "the recipe {} is not valid", "the recipe {} cannot be read")


def load_settings(path: str | Path, model: type[Settings]) -> Settings:
    """Settings of some kind from a JSON file.

    Raises
    ------
    ValueError
        For a file that cannot be read, or does not hold such settings; names the field and its value.
    """
    return _loaded(path, model, "the settings {} are not valid", "the settings {} cannot be read")


def _loaded(path: str | Path, model: type[Settings], invalid: str, unread: str) -> Settings:
    try:
        return model.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ValueError(f"{invalid.format(path)}: {explain(error)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{unread.format(path)}: {error}") from error


def explain(error: ValidationError) -> str:
    """A validation error as one line: each field, its value and what is allowed."""
    return "; ".join(_explained(item["loc"], item["input"], item["msg"]) for item in error.errors())


def _explained(place: tuple[int | str, ...], value: object, message: str) -> str:
    # What our own validators say names the value already, where it concerns a whole part.
    where = ".".join(str(part) for part in place) or "recipe"
    said = message.removeprefix("Value error, ")
    return f"{where}: {said}" if isinstance(value, dict | BaseModel) else f"{where} = {value!r}: {said}"
