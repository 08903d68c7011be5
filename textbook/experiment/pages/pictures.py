"""How large a figure is on a page, read from its file, so that the page keeps its place before it is loaded."""

import re
import struct
from pathlib import Path

# the pixels of a page per inch, and those of the book's figures
_SCREEN, _PRINTED = 96, 150
_POINTS = 72


def size(path: Path) -> tuple[int, int] | None:
    """Width and height of a PNG or SVG in the page's pixels; None for a PDF, or a file that is not what it is called.

    A PNG of the book has 150 pixels an inch, the unit of an SVG is the point.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError:
        return None
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return tuple(round(pixels * _SCREEN / _PRINTED) for pixels in struct.unpack(">II", head[16:24]))
    points = re.search(rb'<svg[^>]*?\swidth="([\d.]+)pt"', head), re.search(rb'<svg[^>]*?\sheight="([\d.]+)pt"', head)
    if all(points):
        return tuple(round(float(match[1]) * _SCREEN / _POINTS) for match in points)
    return None
