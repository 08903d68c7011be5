"""Data sets by name, or from a file of one's own.

`load("digits")` and its kin come with a card of origin, licence and units; `from_csv` reads a table and says what it
found. Samples are float32, labels int64 classes or float32 values.
"""

from textbook.datasets.csv_file import from_csv
from textbook.datasets.dataset import Card, Dataset
from textbook.datasets.loading import load
from textbook.datasets.registry import card, names

__all__ = ["Card", "Dataset", "card", "from_csv", "load", "names"]
