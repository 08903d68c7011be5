"""Which row goes to which part: exact sizes, classes in proportion, equal rows never apart.

The quota of a class in a part, rows of the class × size of the part / rows, is rarely whole. Quotas are rounded up or
down at random so that all sums stay exact (controlled rounding; Cox, 1987, JASA 82, 520–524), without bias for any
cell. Everything is counted in integers: a quota of q rows is stored as q × rows.
"""

import numpy as np

_ATTEMPTS = 20  # orders in which the groups of equal rows are tried before the sizes are called impossible


def allocate(groups: np.ndarray, strata: np.ndarray, sizes, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw the rows of each part.

    Args:
        groups: (rows,) group number of each row, 0…; rows of one group stay together.
        strata: (rows,) class of each row, 0…; all zero to ignore classes.
        sizes: rows of each part; they sum to the number of rows.
        rng: the only source of randomness.

    Returns: an array of row numbers for each part, in random order. Class counts are within 1 of proportional as
    long as the groups fit into the quotas.

    Raises: ValueError where no placement of the groups was found that fills the sizes exactly.
    """
    rows = len(groups)
    sizes = np.asarray(sizes, dtype=np.int64)
    quotas = np.outer(np.bincount(strata), sizes)
    part_of = np.full(rows, -1)
    members = _members_of_larger_groups(groups)
    if members:
        part_of, quotas = _place_groups(members, strata, sizes, quotas, rng)
    single = np.flatnonzero(part_of < 0)
    counts = round_table(_without_negatives(quotas), rows, rng)
    drawn = rng.permutation(single)
    drawn = drawn[np.argsort(strata[drawn], kind="stable")]
    part_of[drawn] = np.repeat(np.tile(np.arange(len(sizes)), len(counts)), counts.ravel())
    return [rng.permutation(np.flatnonzero(part_of == part)) for part in range(len(sizes))]


def _members_of_larger_groups(groups) -> list[np.ndarray]:
    """Rows of each group of two and more."""
    count = np.bincount(groups)
    if count.max(initial=0) < 2:
        return []
    grouped = np.flatnonzero(count[groups] > 1)
    grouped = grouped[np.argsort(groups[grouped], kind="stable")]
    return np.split(grouped, np.flatnonzero(np.diff(groups[grouped])) + 1)


def _place_groups(members, strata, sizes, quotas, rng):
    """Put every group of equal rows into a part with room: (part of each row or −1, quotas left)."""
    rows = len(strata)
    for _ in range(_ATTEMPTS):
        part_of, left, room = np.full(rows, -1), quotas.copy(), sizes.copy()
        shuffled = [members[i] for i in rng.permutation(len(members))]
        for group in sorted(shuffled, key=len, reverse=True):  # large groups first: they fit in fewest places
            chances = _chances(group, left[strata[group]], room, rows)
            if not chances.any():
                break
            part = rng.choice(len(sizes), p=chances / chances.sum())
            part_of[group] = part
            room[part] -= len(group)
            np.subtract.at(left, (strata[group], part), rows)
        else:
            return part_of, left
    largest = max(len(group) for group in members)
    raise ValueError(
        f"expected sizes that groups of equal rows can fill, got {[int(size) for size in sizes]} for {rows} rows with "
        f"{len(members)} groups of equal rows (the largest has {largest}); change the sizes or drop duplicate rows"
    )


def _chances(group, left, room, rows):
    """Weight of each part for a group: parts whose quota holds it whole, else any quota left, else any room."""
    fits = room >= len(group)
    quota = left.sum(axis=0) / len(group)
    whole = fits & (left >= rows * len(group)).all(axis=0)
    for weights in (np.where(whole, quota, 0), np.where(fits, quota.clip(0), 0), np.where(fits, room, 0)):
        if weights.any():
            break
    return weights


def _without_negatives(table):
    """Fill overdrawn quotas from others of the same class and part, all sums kept."""
    table = table.copy()
    while (table < 0).any():
        row, column = np.argwhere(table < 0)[0]
        rich_column, rich_row = table[row].argmax(), table[:, column].argmax()
        amount = min(-table[row, column], table[row, rich_column], table[rich_row, column])
        table[[row, rich_row], [column, rich_column]] += amount
        table[[row, rich_row], [rich_column, column]] -= amount
    return table


def round_table(table: np.ndarray, unit: int, rng: np.random.Generator) -> np.ndarray:
    """Round table / unit to whole numbers, each up or down, without bias, and with all row and column sums kept.

    Args:
        table: (classes, parts) whole numbers whose row and column sums are multiples of `unit`.
        unit: what counts as one.

    Around a cycle of broken cells, amounts are moved from every second cell to its neighbour until one becomes whole;
    the direction is drawn so that every cell keeps its expected value.
    """
    table = table.copy()
    while (table % unit).any():
        plus, minus = _cycle(table % unit != 0)
        broken_plus, broken_minus = table[plus] % unit, table[minus] % unit
        up = min((unit - broken_plus).min(), broken_minus.min())
        down = min(broken_plus.min(), (unit - broken_minus).min())
        move = up if rng.random() * (up + down) < down else -down
        table[plus] += move
        table[minus] -= move
    return table // unit


def _cycle(broken):
    """A closed walk over broken cells, by turns along a row and along a column: indices of its odd and even cells."""
    lines, came = [], -1
    line = (0, int(broken.any(axis=1).argmax()))  # (0, a row) or (1, a column)
    while line not in lines:
        lines.append(line)
        axis, number = line
        onward = next(int(k) for k in np.flatnonzero(broken.take(number, axis=axis)) if k != came)
        came, line = number, (1 - axis, onward)
    lines = lines[lines.index(line) :]
    pairs = zip(lines, lines[1:] + lines[:1], strict=True)  # a row and a column, which cross in a cell
    cells = np.array([(a[1], b[1]) if a[0] == 0 else (b[1], a[1]) for a, b in pairs])
    return tuple(cells[0::2].T), tuple(cells[1::2].T)
