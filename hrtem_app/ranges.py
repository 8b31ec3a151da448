"""Ranges that parameters are drawn from: their type, bounds with units that a refusal can name, and the draws."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


def _ordered(values: tuple[float, float]) -> tuple[float, float]:
    if not (np.isfinite(values).all() and values[0] <= values[1]):
        raise ValueError(f"{values[0]:g} to {values[1]:g} is no range: give the lower number first")
    return values


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Least and greatest value of a uniform draw; equal ones fix it."""


@dataclass(frozen=True)
class Bounds:
    """What a number or both ends of a `Range` may be, with its unit; an annotation for pydantic.

    Parameters
    ----------
    least, greatest
        Inclusive.
    unit
        Empty for plain numbers.
    """

    least: float
    greatest: float
    unit: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the type: both ends of a range, or the number."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Bounds and unit for forms."""
        return handler(schema) | {"minimum": self.least, "maximum": self.greatest, "unit": self.unit}

    def _checked(self, value: Any) -> Any:
        for number in value if isinstance(value, tuple) else (value,):
            if not (number is None or self.least <= number <= self.greatest):
                raise ValueError(f"{number:g} is outside of {self}")
        return value

    def __str__(self) -> str:
        return f"{self.least:g} to {self.greatest:g} {self.unit}".rstrip()


def draw(values: tuple[float, float], rng: np.random.Generator) -> float:
    """A uniform draw."""
    return float(rng.uniform(*values))


def draw_log(values: tuple[float, float], rng: np.random.Generator) -> float:
    """A log-uniform draw; both ends must be positive."""
    return float(np.exp(rng.uniform(np.log(values[0]), np.log(values[1]))))


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose: what is drawn for one does not move what is drawn for another."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])
