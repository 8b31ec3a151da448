"""Pieces of a page of HTML that stands alone: everything is escaped, pictures are inside, no script is needed."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

# No page may load anything from elsewhere, whatever ends up in it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: 0.2rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 0.6rem; border-bottom: 1px solid #ccc; padding-bottom: 0.2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 0.3rem; }
table { border-collapse: collapse; margin: 0.4rem 0 1rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.9rem 0.2rem 0; border-bottom: 1px solid #e4e4e4;
  overflow-wrap: anywhere; }
th { font-weight: 600; overflow-wrap: normal; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #444; font-size: 0.9rem; }
.warnings { border: 2px solid #b34700; background: #fff4e8; padding: 0.5rem 1rem; margin: 1rem 0; }
.warnings h2 { border: 0; margin: 0.2rem 0; color: #8a3700; }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  h2, h3 { break-after: avoid; }
  tr, figure, .warnings { break-inside: avoid; }
  thead { display: table-header-group; }
  figure img { max-height: 22cm; }
}
"""


def said(value: Any) -> str:
    """A value in words and numbers: none for None, yes or no, five digits of a float, commas between several."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list | tuple):
        # Pairs within a list keep their brackets.
        return ", ".join(f"({said(v)})" if isinstance(v, list | tuple) else said(v) for v in value)
    return str(value)


def heading(text: str) -> str:
    """The title of the page."""
    return f"<h1>{escape(text)}</h1>"


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def bullets(items: Iterable[str]) -> str:
    """A list of sentences."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def table(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A table; the first cell of each row names it."""
    head = "".join(f'<th scope="col">{escape(said(cell))}</th>' for cell in header)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{_rows(rows)}\n</tbody>\n</table>"


def facts(pairs: Mapping[str, Any]) -> str:
    """A table of names and values."""
    return f"<table>\n<tbody>\n{_rows(pairs.items())}\n</tbody>\n</table>"


def picture(data: bytes, caption: str) -> str:
    """A picture, PNG or SVG, inside the page."""
    kind = "png" if data.startswith(b"\x89PNG") else "svg+xml"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    text = escape(caption)
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def section(title: str, *parts: str) -> str:
    """A section of pieces that are HTML already."""
    return "\n".join([f"<section>\n<h2>{escape(title)}</h2>", *parts, "</section>"])


def page(title: str, body: Iterable[str]) -> str:
    """A whole page of sections that are HTML already."""
    head = (
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>'
    )
    inside = "\n".join(body)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{inside}\n</body>\n</html>\n'


def _rows(rows: Iterable[Sequence[Any]]) -> str:
    lines = []
    for name, *cells in rows:
        rest = "".join(f"<td>{escape(said(cell))}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(said(name))}</th>{rest}</tr>')
    return "\n".join(lines)
