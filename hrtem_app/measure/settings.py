"""What a measurement may be told; part of the recipe, which stores and undoes it."""

from hrtem_app.recipe import MeasureSettings

__all__ = ["MeasureSettings"]
