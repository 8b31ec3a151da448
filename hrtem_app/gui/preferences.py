"""What a person prefers, as napari's own preferences keep it: the manifest's `configurations` are their page there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrtem_app.gui.session import Session
from hrtem_app.recipe import Recipe

PLUGIN = "hrtem-app"


class Preferences:
    """Gives a session what a person prefers, at its start and when the way of drawing is chosen anew.

    Parameters
    ----------
    session
        One that nothing was opened in yet.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._settings = plugin_settings()
        if self._settings is None:
            return
        self._begin(self._settings.analysis)
        self._draw()
        self._settings.drawing.events.connect(self._draw)

    def close(self) -> None:
        """Follow the preferences no longer."""
        if self._settings is not None:
            self._settings.drawing.events.disconnect(self._draw)
            self._settings = None

    def _draw(self, _: object = None) -> None:
        if self._settings is not None:
            drawing = self._settings.drawing
            self._session.change_view(palette=drawing.palette, equal_dots=drawing.equal_dots)

    def _begin(self, analysis: Any) -> None:
        """The recipe that this and every later series begins with."""
        recipe = Recipe()
        try:
            if analysis.recipe.strip():
                recipe = Recipe.load(Path(analysis.recipe.strip()).expanduser())
        except ValueError as error:
            self._session.tell("series", "warning", f"A default recipe in place of the preferred one: {error}")
        if analysis.device.strip() not in ("", "auto"):
            recipe = recipe.model_copy(update={"device": analysis.device.strip()})
        self._session.begin_with(recipe)


def plugin_settings() -> Any | None:
    """Our page of napari's preferences; None in a napari without such pages, or where our plug-in is switched off."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    return get_plugin_settings().get(PLUGIN)
