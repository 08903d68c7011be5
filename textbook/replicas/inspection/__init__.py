"""Bad input refused before anything is trained: each check raises a ValueError in words, or says nothing.

Stacked training calls the parts of a model itself, so what Keras would refuse at the first batch, or train silently as
nonsense, is looked for beforehand. Importing this imports Keras.
"""

from textbook.replicas.inspection.data import DataCheck, check_equal_sizes
from textbook.replicas.inspection.labels import Labels, check_labels
from textbook.replicas.inspection.loss import check_ending, check_loss
from textbook.replicas.inspection.metrics import check_metrics, check_per_sample
from textbook.replicas.inspection.model import check_model
from textbook.replicas.inspection.optimizer import check_optimizer
from textbook.replicas.inspection.stop import check_stops

__all__ = [
    "DataCheck",
    "Labels",
    "check_ending",
    "check_equal_sizes",
    "check_labels",
    "check_loss",
    "check_metrics",
    "check_model",
    "check_optimizer",
    "check_per_sample",
    "check_stops",
]
