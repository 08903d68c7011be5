"""How many rows each part gets."""

from numbers import Integral, Real

_PARTS = ("training", "validation", "test")


def part_sizes(sizes, rows: int) -> tuple[int, int, int]:
    """Rows of the training, validation and test part.

    Args:
        sizes: three whole numbers, whose sum may be below `rows`; or three fractions that sum to 1, of which
            the largest remainders are rounded up.
        rows: number of rows there are.

    Raises: ValueError for anything else, and where a part that was asked for would get no row.

    >>> part_sizes((0.7, 0.15, 0.15), 1797)
    (1258, 270, 269)
    >>> part_sizes((1024, 473, 300), 1797)
    (1024, 473, 300)
    """
    sizes = check_sizes(sizes)
    counts = sizes if isinstance(sizes[0], int) else _whole(sizes, rows)
    needed = max(sum(counts), sum(size > 0 for size in sizes))
    if needed > rows:
        raise ValueError(
            f"expected at least {needed} rows for sizes {sizes}, got {rows}; ask for smaller parts or bring more rows"
        )
    for part, size, count in zip(_PARTS, sizes, counts, strict=True):
        if size and not count:
            raise ValueError(
                f"expected at least one row in the {part} part, got none: {size:g} of {rows} rows rounds to 0; "
                "bring more rows, or give sizes as whole numbers"
            )
    return counts


def check_sizes(sizes) -> tuple[int, int, int] | tuple[float, float, float]:
    """The sizes as three plain ints or three plain floats."""
    sizes = tuple(sizes) if not isinstance(sizes, Real | str) else ()
    wanted = "expected sizes as three whole numbers or three fractions that sum to 1 (training, validation, test)"
    if len(sizes) != 3 or not all(isinstance(size, Real) and not isinstance(size, bool) for size in sizes):
        raise ValueError(f"{wanted}, got {sizes}; pass for instance (0.7, 0.15, 0.15)")
    if any(not size >= 0 for size in sizes) or not sizes[0]:
        raise ValueError(f"{wanted}, none of them negative and training rows in any case, got {sizes}")
    if all(isinstance(size, Integral) for size in sizes):
        return tuple(int(size) for size in sizes)
    if abs(sum(sizes) - 1) > 1e-6:
        raise ValueError(f"{wanted}, got {sizes}, which sum to {sum(sizes):g}; whole numbers may leave rows unused")
    return tuple(float(size) for size in sizes)


def _whole(fractions, rows):
    exact = [fraction * rows for fraction in fractions]
    counts = [int(value + 1e-9) for value in exact]
    # the largest remainders are rounded up; of equal ones the earlier part's
    order = sorted(range(3), key=lambda part: (round(counts[part] - exact[part], 9), part))
    for part in order[: rows - sum(counts)]:
        counts[part] += 1
    return tuple(counts)
