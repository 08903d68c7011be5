"""Train many replicas of one Keras model at once: (conditions × seeds) copies in compiled epochs.

`train_replicas` returns a tidy table; `ReplicaTrainer(…).run()` also holds the trained models; a `Condition` says what
one curve does differently, an `EarlyStopping` when it ends, a `ReplicaState` where it goes on; `session` sets engine,
checkpoints and progress for everything trained inside it. The README beside this file shows it on a model of your own.
Importing this package loads no TensorFlow.
"""

from textbook.replicas.condition import Condition
from textbook.replicas.early_stopping import EarlyStopping
from textbook.replicas.replica_state import ReplicaState
from textbook.replicas.sessions import session
from textbook.replicas.training import train_replicas
from textbook.seeding import Seeds

__all__ = ["Condition", "EarlyStopping", "ReplicaState", "ReplicaTrainer", "Seeds", "session", "train_replicas"]


def __getattr__(name: str):
    if name == "ReplicaTrainer":
        from textbook.replicas.trainer import ReplicaTrainer

        return ReplicaTrainer
    raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.replicas.{name}")
