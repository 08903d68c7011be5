"""A figure as the bytes of a file, the same bytes every time."""

import io
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from textbook import versions
from textbook.experiment import fingerprint
from textbook.experiment.section import Section

# a power of ten, as Matplotlib's formulas have it, and the raised digits of plain text
_POWER = re.compile(r"10\$\^\{([-−\d]+)\}\$")
_RAISED = str.maketrans("-−0123456789", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DRAWS = ("matplotlib", "seaborn", "numpy", "pandas")


def code(section: Section) -> str:
    """Digest of what shapes the picture besides the table: `draw`, `animate`, the code they reach, and the style."""
    names = ("draw", "animate") if section.animate else ("draw",)
    style = Path(__file__).parent.parent / "book.mplstyle"
    parts = [fingerprint.reach(section.outline.module, *names).digest, json.dumps(versions.of(_DRAWS))]
    return fingerprint.digest_of(*parts, style.read_text(encoding="utf-8") if style.is_file() else "")


def picture(
    draw: Callable, tables, *, format: str, title: str, provenance: dict, replaced_by: str | None = None
) -> tuple[bytes, str]:
    """What `draw(tables)` returns, as PNG, SVG or PDF with its provenance in the file's metadata, and its caption.

    Args:
        replaced_by: name of the data that a user put in place of the section's own, which `draw` does not know of; the
            caption then begins with it.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from textbook import plots

    matplotlib.use("agg")
    about = json.dumps(provenance, sort_keys=True, ensure_ascii=True)
    metadata = {
        "png": {"Title": title, "Description": about},
        # no dates: the same table gives the same file on any day
        "svg": {"Title": title, "Description": about, "Date": None},
        "pdf": {"Title": title, "Subject": about, "CreationDate": None},
    }[format]
    content = io.BytesIO()
    with plots.style(), matplotlib.rc_context({"svg.hashsalt": title}):
        figure = draw(tables)
        caption = " ".join(text.get_text() for text in figure.texts if text.get_gid() == plots.CAPTION)
        caption = " ".join(caption.split())
        plain = _POWER.sub(lambda power: f"10{power[1].translate(_RAISED)}", caption)
        if replaced_by is not None:
            named = f"Data: {replaced_by}, in place of any named here."
            # a pair of dollars in a file's name would begin a formula
            escaped = named.replace("$", r"\$")
            plots.caption(figure, f"{escaped} {caption}".rstrip())
            plain = f"{named} {plain}".rstrip()
        if format == "png":  # the same bytes as by `savefig`, which draws everything twice
            FigureCanvasAgg(figure).print_png(content, metadata=metadata)
        else:
            figure.savefig(content, format=format, metadata=metadata)
    _close(figure)
    return content.getvalue(), plain


def film(animate: Callable, tables) -> bytes:
    """What `animate(tables)` returns, saved as GIF."""
    import matplotlib

    from textbook import plots

    matplotlib.use("agg")
    with plots.style(), tempfile.TemporaryDirectory() as folder:
        animation = animate(tables)
        path = Path(folder) / "film.gif"
        animation.save(path, writer="pillow")
        content = path.read_bytes()
    _close(animation._fig)
    return content


def _close(figure) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)
