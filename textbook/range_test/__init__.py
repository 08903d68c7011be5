"""Range tests: short trainings that find a learning rate, a momentum, a weight decay and a batch size.

- `learning_rate`: `learning_rate_range_test`, on one model
"""

from textbook.range_test.learning_rate import learning_rate_range_test
from textbook.range_test.result import RangeTest
from textbook.range_test.suggestions import Agreement, Suggestion

__all__ = ["Agreement", "RangeTest", "Suggestion", "learning_rate_range_test"]
