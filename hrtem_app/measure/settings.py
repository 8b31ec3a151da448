"""What a measurement may be told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hrtem_app.recipe import Part


class MeasureSettings(Part):
    """Choices of a measurement; lengths are in Å."""

    votes: Annotated[
        int, Field(ge=1, le=100, description="Columns on whose class fewer networks agree are in no count of classes.")
    ] = 1
    decided_only: Annotated[
        bool, Field(description="Leave grains out of the counts of classes whose sublattices are undecided.")
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
