"""Range tests: short trainings that find a learning rate, a momentum, a weight decay and a batch size.

All of them put the model back to the last bit (`textbook.model_state`).

- `learning_rate`: `learning_rate_range_test`, on one model; `over_seeds`: on many seeds at once
- `weight_decay`, `momentum`: `weight_decay_range_test`, `momentum_range_test`, short range tests at each value
- `batch_size`: `batch_size_finder`, what fits and what pays
- `smith`: `smith_recipe`, all of it, up to a configured 1cycle; `smith_over_seeds`: for many seeds at once
- `suggestions`: the rules that read a rate from the curve; `result`, `over_values`: what the tests return
- `sweep`, `ramp`: the rates, the smoothing, the end; `batches`, `steps`: data and updates on each backend
- `trial_optimizer`: the model's optimizer with another number in it; `out_of_memory`: errors that mean just that
"""

from textbook.range_test.batch_size import BatchSizes, batch_size_finder
from textbook.range_test.learning_rate import learning_rate_range_test
from textbook.range_test.momentum import momentum_range_test
from textbook.range_test.over_seeds import RangeTestOverSeeds, learning_rate_range_test_over_seeds
from textbook.range_test.over_values import Choice, RangeTestOverValues
from textbook.range_test.result import RangeTest
from textbook.range_test.smith import SmithRecipe, smith_recipe
from textbook.range_test.smith_over_seeds import SmithRecipeOverSeeds, smith_recipe_over_seeds
from textbook.range_test.suggestions import Agreement, Suggestion
from textbook.range_test.weight_decay import weight_decay_range_test

__all__ = [
    "Agreement",
    "BatchSizes",
    "Choice",
    "RangeTest",
    "RangeTestOverSeeds",
    "RangeTestOverValues",
    "SmithRecipe",
    "SmithRecipeOverSeeds",
    "Suggestion",
    "batch_size_finder",
    "learning_rate_range_test",
    "learning_rate_range_test_over_seeds",
    "momentum_range_test",
    "smith_recipe",
    "smith_recipe_over_seeds",
    "weight_decay_range_test",
]
