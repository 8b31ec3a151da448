"""`networks` and `info`: what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hrtem_app.networks.catalog import NetworkCard

_PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "abtem",
    "ase",
    "rosettasciio",
    "tifffile",
    "zarr",
    "napari",
    "PyQt6",
    "PySide6",
)


def networks() -> None:
    """List the networks that can be run, each with its card."""
    from hrtem_app.networks.catalog import available, folders

    cards = available()
    for card in cards.values():
        typer.echo("\n".join(describe(card)))
    if not cards:
        typer.echo(f"no networks are installed: put weights and cards into {folders()[-1]}", err=True)


def describe(card: NetworkCard) -> list[str]:
    """A card as lines for people."""
    settings = ", ".join(f"{name} {value}" for name, value in card.settings.items())
    frames = "1 frame" if card.frames == 1 else f"{card.frames} frames"
    low, high = (energy / 1e3 for energy in card.energy_range or (card.energy, card.energy))
    energy = f"{low:g}" if low == high else _span((low, high))
    lines = [
        f"{card.name}: {card.title} ({settings}), {card.parameters:,} parameters",
        f"  material   {card.material}: {', '.join(card.classes)}",
        f"  series     {frames}, {_span(card.sampling_range)} Å/px, others resampled to {card.sampling:g}",
        f"  training   {_span(card.dose_range)} e/Å², defocus {_span(card.defocus_range)} Å, {energy} keV",
    ]
    scores = [f"{name} {value:.4g}" for name, value in card.metrics.items() if isinstance(value, int | float)]
    return [*lines, f"  scores     {', '.join(scores)}"] if scores else lines


def info() -> None:
    """Show versions, devices and folders."""
    import hrtem_app
    from hrtem_app.inference.device import available_devices, choose_device, describe_device
    from hrtem_app.networks.catalog import available, folders
    from hrtem_app.resources import sample_path

    typer.echo(f"hrtem-app  {hrtem_app.__version__}")
    typer.echo(f"python     {platform.python_version()} on {platform.platform()}")
    typer.echo(f"packages   {', '.join(f'{name} {_version(name)}' for name in _PACKAGES)}")
    typer.echo(f"devices    {', '.join(describe_device(choose_device(name)) for name in available_devices())}")
    typer.echo(f"networks   {', '.join(available()) or 'none'}")
    typer.echo(f"folders    {', '.join(str(folder) for folder in folders())}")
    typer.echo(f"sample     {sample_path()}")


def _span(values: tuple[float, float]) -> str:
    return f"{values[0]:g} to {values[1]:g}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
