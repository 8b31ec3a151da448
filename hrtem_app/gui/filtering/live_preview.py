"""Follows the lattice filter's settings: a glimpse of what is on screen at once, all frames when they rest."""

from __future__ import annotations

from contextlib import suppress

from napari.components import ViewerModel
from qtpy.QtCore import QObject, QTimer

from hrtem_app.gui.canvas.layers import Layers
from hrtem_app.gui.filtering.glimpse import glimpse_of, make_glimpse
from hrtem_app.gui.filtering.glimpse_layer import GlimpseLayer
from hrtem_app.gui.filtering.preview import PreviewSource, preview_steps
from hrtem_app.gui.jobs import Job, LatestWins, Outcome, describe
from hrtem_app.gui.session import Session
from hrtem_app.gui.shown import used_frames
from hrtem_app.recipe import LatticeFilter
from hrtem_app.series import FocalSeries

# All frames are filtered when nothing was changed for so long, in ms.
REST = 150
# The pixels on screen of a frame of 4096² take some 30 ms, less than the window needs to draw itself while a thread is
# waited for.
_AT_ONCE = 2**24


class LivePreview(QObject):
    """Keeps the filtered layers of a session in step with its recipe.

    Parameters
    ----------
    viewer, session, layers
        Where it is shown, what is filtered how, and the layers of that.
    """

    def __init__(self, viewer: ViewerModel, session: Session, layers: Layers) -> None:
        super().__init__()
        self.glimpse = GlimpseLayer(viewer, layers)
        self._session, self._layers = session, layers
        self._source: PreviewSource | None = None
        self._source_key: tuple[object, ...] = ()
        # What all frames are being filtered with, or will be.
        self._wanted: tuple[PreviewSource, LatticeFilter] | None = None
        self._job: Job | None = None
        self._glimpses = LatestWins()
        self._glimpses.done.connect(self._on_glimpse)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self._begin)
        self._wiped = QTimer(self)
        self._wiped.setSingleShot(True)
        self._wiped.setInterval(REST)
        self._wiped.timeout.connect(self._on_wiped)

    def request(self) -> None:
        """Follow the session, if something changed that the filter depends on."""
        session, series = self._session, self._session.series
        if series is None or series.sampling is None:
            return
        source, settings, preview = self._source_of(series), session.recipe.filter, session.preview
        if self._wanted == (source, settings):
            return
        self._stop()
        if preview is None:
            self._wanted = source, settings
            self._begin()
        elif (preview.source, preview.settings) == (source, settings):
            self.glimpse.hide()
        else:
            self._wanted = source, settings
            self._rest.start()
            # Before a source has had all its frames filtered, a glimpse of it takes as long.
            area = self.glimpse.area() if preview.source is source else None
            if area is None or area.frame >= len(source.frames):
                return
            if source.frames[0].size <= _AT_ONCE:
                self.glimpse.show(make_glimpse(source, settings, area))
            else:
                self._glimpses.request(make_glimpse, source, settings, area)

    def wipe(self, fraction: float) -> None:
        """Move the line of the wipe to a fraction of the width: on screen at once, in all frames when it rests."""
        self._layers.wiped = fraction
        preview = self._session.preview
        if preview is None or self._layers.get("wipe") is None:
            self._layers.show_wipe(fraction)
            return
        self._layers.set_visible("wipe", True)
        area = self.glimpse.area()
        if self._wanted is None and area is not None and area.frame < len(preview.source.frames):
            self.glimpse.show(glimpse_of(preview, area))
        self._wiped.start()

    def close(self) -> None:
        """Let go of what runs."""
        self._glimpses.close()
        # When the program ends Qt's part of the timers may be gone before.
        with suppress(RuntimeError):
            self._wiped.stop()
            self._stop()

    def _source_of(self, series: FocalSeries) -> PreviewSource:
        recipe = self._session.recipe
        used = used_frames(series, recipe)
        key = (id(series.frames), series.sampling, used, recipe.alignment)
        if self._source is None or key != self._source_key:
            self._source, self._source_key = PreviewSource(series, used, recipe.alignment), key
            self.glimpse.discard()
        return self._source

    def _stop(self) -> None:
        self._rest.stop()
        self._wanted = None
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _begin(self) -> None:
        if self._wanted is not None:
            self._job = Job(preview_steps, *self._wanted)
            self._job.done.connect(self._on_preview)
            self._job.start()

    def _on_glimpse(self, outcome: Outcome) -> None:
        # Without a wish all frames are shown already; a glimpse that comes later would be older.
        if outcome.error is None and self._wanted is not None and outcome.value.source is self._source:
            self.glimpse.show(outcome.value)

    def _on_wiped(self) -> None:
        wipe = self._layers.get("wipe")
        if wipe is None or not wipe.visible:
            return
        self._layers.show_wipe(self._layers.wiped)
        if self._wanted is None:
            self.glimpse.hide()

    def _on_preview(self, outcome: Outcome) -> None:
        self._job = self._wanted = None
        if outcome.error is not None:
            self._session.tell("filter", "error", describe(outcome.error))
        else:
            self._session.accept_preview(outcome.value)
        self.glimpse.hide()
