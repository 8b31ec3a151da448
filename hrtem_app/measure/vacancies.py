"""How many columns are vacancies, with intervals, and how many there are per area."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest

from hrtem_app.measure.settings import MeasureSettings


@dataclass(frozen=True)
class Fraction:
    """A fraction and its confidence interval.

    Parameters
    ----------
    count, total
        So many of so many.
    low, high
        The interval; NaN for none of none.
    """

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The fraction; NaN for none of none."""
        return self.count / self.total if self.total else float("nan")


def fraction(count: int, total: int, confidence: float) -> Fraction:
    """A fraction with Wilson's score interval (J. Am. Stat. Assoc. 22, 209, 1927).

    Its mean coverage is that asked for also with few vacancies among few columns, and at a count of zero it still has
    an upper limit; the "exact" interval of Clopper and Pearson is wider than it need be (Brown, Cai and DasGupta,
    Stat. Sci. 16, 101, 2001).
    """
    if total == 0:
        return Fraction(0, 0, float("nan"), float("nan"))
    interval = binomtest(count, total).proportion_ci(confidence_level=confidence, method="wilson")
    return Fraction(count, total, float(interval.low), float(interval.high))


@dataclass(frozen=True)
class Vacancies:
    """Vacancies among the sites that count.

    Parameters
    ----------
    single
        1S of 1S and 2S columns.
    missing_mo
        Sites without a column of all Mo sites.
    missing_2s
        Sites without a column of all S sites.
    left_out
        Columns in no count for too few votes or an undecided grain, none of which a person edited or reviewed.
    """

    single: Fraction
    missing_mo: Fraction
    missing_2s: Fraction
    left_out: int

    def why_left_out(self, settings: MeasureSettings) -> str:
        """How many columns are in no count of classes, and why, in a sentence without its point; empty for none."""
        if not self.left_out:
            return ""
        who, whose, them = (
            ("1 column is", "its", "it") if self.left_out == 1 else (f"{self.left_out} columns are", "their", "them")
        )
        undecided = f" or {whose} grain is undecided" if settings.decided_only else ""
        return (
            f"{who} in no count of classes: {whose} class has fewer votes than {settings.votes}{undecided}, "
            f"and no person edited or reviewed {them}"
        )

    @property
    def sulphur_atoms(self) -> float:
        """Fraction of all S atoms that are missing: one in a 1S column, two in a missing one; NaN without S sites."""
        atoms = 2 * (self.single.total + self.missing_2s.count)
        return (self.single.count + 2 * self.missing_2s.count) / atoms if atoms else float("nan")


@dataclass(frozen=True)
class Density:
    """Numbers per area.

    Parameters
    ----------
    area
        Of the flake in nm²: half a unit cell for each site of a lattice, vacancies included.
    columns, single, missing_mo, missing_2s
        Columns, 1S columns, missing Mo and missing 2S columns per nm²; NaN without area.
    """

    area: float
    columns: float
    single: float
    missing_mo: float
    missing_2s: float


def density(area: float, columns: int, vacancies: Vacancies) -> Density:
    """Numbers per area; `area` in nm²."""
    counts = (columns, vacancies.single.count, vacancies.missing_mo.count, vacancies.missing_2s.count)
    return Density(area, *(count / area if area else float("nan") for count in counts))
