"""ColumnTable: the schema of the atom list; CSV both ways, and extended XYZ."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrtem_app.materials import MOS2_ON_GRAPHITE

CLASSES = MOS2_ON_GRAPHITE.class_names
STOCK_NETWORKS = ("unet", "unet_pp", "msd_net")
CSV_COLUMNS = (
    "id",
    "class",
    "x_px",
    "y_px",
    "x_A",
    "y_A",
    "votes",
    "probability",
    *(f"p_{name}" for name in STOCK_NETWORKS),
    "spread_pm",
    "disputed",
    "edited",
)
# These stand at the end of the CSV; files of earlier versions lack them.
GRAIN_COLUMNS = ("grain", "grain_evidence", "decided")
REVIEW_COLUMN = "reviewed"
_KINDS: dict[str, type] = {
    "classes": np.int64,
    "votes": np.int64,
    "probability": np.float64,
    "spread": np.float64,
    "edited": np.bool_,
    "ids": np.int64,
    "grain": np.int64,
    "grain_evidence": np.float64,
    "decided": np.bool_,
    "reviewed": np.bool_,
}
# Of arrays that are not given; ids are counted.
_DEFAULTS: dict[str, float | bool | None] = {
    "spread": 0.0,
    "edited": False,
    "ids": None,
    "grain": -1,
    "grain_evidence": np.nan,
    "decided": False,
    "reviewed": False,
}
# What a table holds as one array each, a row per column.
ROW_ARRAYS = ("positions", *_KINDS)
# Under this key the CSV reader puts what a line has beyond the header.
_TOO_MANY = "more than the header"


def network_family(name: str) -> str | None:
    """The stock network that a network is a version of, `unet_pp` for `unet_pp_single`; None for any other."""
    families = [stock for stock in STOCK_NETWORKS if name == stock or name.startswith(f"{stock}_")]
    return max(families, key=len, default=None)


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """Atomic columns, one per row; immutable.

    Pixel centres are integers, x is the column index of the array and y its row, both 0-based, in the original image.

    Parameters
    ----------
    positions
        (n, 2) float64 as (y, x) in pixels.
    classes
        (n,) indices into `CLASSES`.
    sampling
        Å per pixel.
    votes
        (n,) how many networks found this class at this place.
    probability
        (n,) mean over the networks that ran of the probability of this class at this place; NaN where a person chose
        the class.
    network_probability
        For each network that ran, (n,) its probability of this class at this place; NaN like `probability`.
    spread
        (n,) root mean square distance in pm of the agreeing networks' positions from their mean; NaN where a person
        chose the position.
    disputed
        For each row what other networks said: `1S:unet_pp`, joined by `;`, or an empty string. Where a person chose
        another class also the votes of the former one: `2S:3 votes`.
    edited
        (n,) whether a person added the column or changed its place or class, see `hrtem_app.correction`.
    ids
        (n,) row numbers that stay with a column for life; counted from 0 if not given.
    grain
        (n,) number of the grain that the column belongs to; -1 for none.
    grain_evidence
        (n,) log odds, from the whole grain, that the column's sublattice is molybdenum; NaN for no grain.
    decided
        (n,) whether they were clear enough, so that the class is one that this sublattice allows, or a person decided.
    reviewed
        (n,) whether a person looked at the column and settled what it is.
    """

    positions: NDArray[np.float64]
    classes: NDArray[np.int64]
    sampling: float
    votes: NDArray[np.int64]
    probability: NDArray[np.float64]
    network_probability: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    spread: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    disputed: tuple[str, ...] = ()
    edited: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    grain: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    grain_evidence: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    decided: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    reviewed: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))

    def __post_init__(self) -> None:
        n = len(self.classes)
        if not (np.isfinite(self.sampling) and self.sampling > 0):
            raise ValueError(f"a sampling of {self.sampling} Å/px is impossible: give a positive number, 0.22 say")
        for name, value in _DEFAULTS.items():
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.arange(n) if name == "ids" else np.full(n, value))
        if not self.disputed:
            object.__setattr__(self, "disputed", ("",) * n)
        positions = np.asarray(self.positions, float)
        positions = positions if positions.shape[1:] == (2,) else positions.reshape(-1, 2)
        object.__setattr__(self, "positions", _fixed(positions, float))
        for name, kind in _KINDS.items():
            object.__setattr__(self, name, _fixed(getattr(self, name), kind))
        probabilities = {name: _fixed(p, float) for name, p in self.network_probability.items()}
        object.__setattr__(self, "network_probability", probabilities)
        self._check_lengths()
        unknown = self.classes[(self.classes < 0) | (self.classes >= len(CLASSES))]
        if len(unknown):
            raise ValueError(f"class indices go from 0 to {len(CLASSES) - 1}: {np.unique(unknown).tolist()} are none")

    def _check_lengths(self) -> None:
        n = len(self.classes)
        lengths = {name: len(getattr(self, name)) for name in (*ROW_ARRAYS, "disputed")}
        for name, length in (lengths | {f"p_{k}": len(v) for k, v in self.network_probability.items()}).items():
            if length != n:
                raise ValueError(f"{name} has {length} rows, classes has {n}: give all the same length")

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def class_names(self) -> list[str]:
        """The class of each row by name."""
        return [CLASSES[c] for c in self.classes]

    @property
    def by_hand(self) -> NDArray[np.bool_]:
        """(n,) which columns a person edited or reviewed."""
        return np.asarray(self.edited | self.reviewed)

    def counts(self) -> dict[str, int]:
        """How many columns of each class."""
        found = np.bincount(self.classes, minlength=len(CLASSES))
        return {name: int(found[i]) for i, name in enumerate(CLASSES)}

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64] | Sequence[int]) -> ColumnTable:
        """The chosen rows (a mask or indices); ids are kept."""
        index = np.arange(len(self))[np.asarray(rows)]
        return ColumnTable(
            sampling=self.sampling,
            network_probability={k: v[index] for k, v in self.network_probability.items()},
            disputed=tuple(map(self.disputed.__getitem__, index.tolist())),
            **{name: getattr(self, name)[index] for name in ROW_ARRAYS},
        )

    def header(self) -> list[str]:
        """The CSV header: the fixed columns, `p_` of networks that are not stock, then the grain and the review."""
        extra = [f"p_{name}" for name in self.network_probability if name not in STOCK_NETWORKS]
        return [*CSV_COLUMNS, *extra, *GRAIN_COLUMNS, REVIEW_COLUMN]

    def rows(self) -> list[dict[str, str]]:
        """Every row as text, keyed by CSV column."""
        return [self._row(i) for i in range(len(self))]

    def _row(self, i: int) -> dict[str, str]:
        y, x = self.positions[i]
        row = {
            "id": str(self.ids[i]),
            "class": CLASSES[self.classes[i]],
            "x_px": f"{x:.4f}",
            "y_px": f"{y:.4f}",
            "x_A": f"{x * self.sampling:.5f}",
            "y_A": f"{y * self.sampling:.5f}",
            "votes": str(self.votes[i]),
            "probability": _number(self.probability[i], 5),
            "spread_pm": _number(self.spread[i], 2),
            "disputed": self.disputed[i],
            "edited": "1" if self.edited[i] else "0",
            REVIEW_COLUMN: "1" if self.reviewed[i] else "0",
        }
        if self.grain[i] >= 0:
            row |= {
                "grain": str(self.grain[i]),
                "grain_evidence": _number(self.grain_evidence[i], 3),
                "decided": "1" if self.decided[i] else "0",
            }
        return row | {f"p_{name}": _number(p[i], 5) for name, p in self.network_probability.items()}

    def to_csv(self, path: str | Path) -> None:
        r"""Write the table as CSV (UTF-8, comma, `\n`), the columns of `header` in that order."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.header(), restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows())

    @classmethod
    def from_csv(cls, path: str | Path, sampling: float | None = None) -> ColumnTable:
        """Read a table that `to_csv` wrote; one of an earlier version, without grains or reviews, too.

        Parameters
        ----------
        path
            The CSV file.
        sampling
            Å per pixel; needed only where the table is empty or holds just the origin.

        Raises
        ------
        ValueError
            For a file that is not a column table, naming the line and what is wrong with it.
        """
        try:
            # A spreadsheet puts a byte order mark in front; "utf-8-sig" reads files with and without it.
            with Path(path).open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, restkey=_TOO_MANY)
                header, lines = tuple(reader.fieldnames or ()), list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"the table of columns {path} cannot be read: {error}") from error
        missing = [name for name in CSV_COLUMNS if name not in header]
        if missing:
            raise ValueError(f"{path} is not a table of columns: it lacks {', '.join(missing)}")
        try:
            return _table_from_lines(lines, [name[2:] for name in header if name.startswith("p_")], sampling)
        except ValueError as error:
            raise ValueError(f"{path} is not a valid table of columns: {error}") from error

    def to_xyz(self, path: str | Path) -> None:
        """Write atoms as extended XYZ, positions in Å, one atom per column with its class and votes.

        The image plane is z = 0 and its rows run along y, so a viewer with y upwards shows the image mirrored.
        """
        symbols = [MOS2_ON_GRAPHITE.classes[c].symbol for c in self.classes]
        properties = "Properties=species:S:1:pos:R:3:column:S:1:votes:I:1:probability:R:1"
        lines = [str(len(self)), f'{properties} sampling={self.sampling:.8g} pbc="F F F"']
        for symbol, name, (y, x), votes, p in zip(
            symbols, self.class_names, self.positions * self.sampling, self.votes, self.probability, strict=True
        ):
            lines.append(f"{symbol} {x:.5f} {y:.5f} 0.00000 {name} {votes} {p:.5f}")
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def empty_table(sampling: float) -> ColumnTable:
    """A table without rows."""
    none = np.empty(0)
    return ColumnTable(np.empty((0, 2)), none.astype(np.int64), sampling, none.astype(np.int64), none)


def _number(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def _fixed(values: ArrayLike, kind: type) -> NDArray[Any]:
    """A read-only copy; an array that is fixed already is shared by all tables that have it."""
    if type(values) is np.ndarray and values.dtype == kind and values.flags.owndata and not values.flags.writeable:
        return values
    array: NDArray[Any] = np.array(values, dtype=kind)
    array.flags.writeable = False
    return array


def _table_from_lines(lines: list[dict[str, str]], networks: list[str], sampling: float | None) -> ColumnTable:
    for number, line in enumerate(lines, start=2):
        _check_line(number, line)

    def column(name: str) -> NDArray[np.float64]:
        # Only what files of earlier versions lack can be missing here.
        texts = [line.get(name, "") for line in lines]
        return np.array([_parsed(number, name, text) for number, text in enumerate(texts, start=2)], dtype=float)

    probabilities = {name: column(f"p_{name}") for name in networks}
    return ColumnTable(
        positions=np.stack([column("y_px"), column("x_px")], axis=1),
        classes=np.array([CLASSES.index(line["class"]) for line in lines], dtype=np.int64),
        sampling=_sampling(column("x_px"), column("x_A"), column("y_px"), column("y_A"), sampling),
        votes=column("votes").astype(np.int64),
        probability=column("probability"),
        network_probability={k: v for k, v in probabilities.items() if not np.isnan(v).all()},
        spread=column("spread_pm"),
        disputed=tuple(line["disputed"] for line in lines),
        edited=np.array([_yes(line["edited"]) for line in lines], dtype=bool),
        ids=column("id").astype(np.int64),
        grain=np.nan_to_num(column("grain"), nan=-1).astype(np.int64),
        grain_evidence=column("grain_evidence"),
        decided=np.array([_yes(line.get("decided", "")) for line in lines], dtype=bool),
        reviewed=np.array([_yes(line.get(REVIEW_COLUMN, "")) for line in lines], dtype=bool),
    )


def _yes(text: str) -> bool:
    return text.lower() in {"1", "true", "yes"}


def _check_line(number: int, line: dict[str, str]) -> None:
    if _TOO_MANY in line or None in line.values():
        raise ValueError(f"line {number} has more or fewer fields than the header")
    if line["class"] not in CLASSES:
        raise ValueError(f"line {number}: class '{line['class']}' is none of {', '.join(CLASSES)}")


def _parsed(number: int, name: str, text: str) -> float:
    """A field as a number; only what a person's own columns lack, or those outside of all grains, may be empty."""
    if not text and (name.startswith("p_") or name in {"probability", "spread_pm", "grain", "grain_evidence"}):
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ValueError(f"line {number}: {name} '{text}' is not a number")
    return value


def _sampling(
    x_px: NDArray[np.float64],
    x_A: NDArray[np.float64],
    y_px: NDArray[np.float64],
    y_A: NDArray[np.float64],
    given: float | None,
) -> float:
    if given is not None:
        return given
    pixels, angstroms = np.concatenate([x_px, y_px]), np.concatenate([x_A, y_A])
    if not np.any(pixels):
        raise ValueError("its rows do not tell the sampling: give it in Å per pixel")
    return float(np.sum(pixels * angstroms) / np.sum(pixels**2))
