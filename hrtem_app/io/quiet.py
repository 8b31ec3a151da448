"""Keeps the talk of the readers' libraries off the user's terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_TALKERS = ("rsciio", "tifffile", "PIL", "h5py", "imageio")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the libraries' warnings and log messages; what matters in them is checked for and said in our words."""
    loggers = [logging.getLogger(name) for name in _TALKERS]
    loggers += [
        logger
        for name, logger in logging.Logger.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and name.startswith(tuple(f"{talker}." for talker in _TALKERS))
    ]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
