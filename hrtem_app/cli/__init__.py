"""The command line: thin commands over the library, each loading what it needs when it runs."""

from hrtem_app.cli.application import app, main

__all__ = ["app", "main"]
