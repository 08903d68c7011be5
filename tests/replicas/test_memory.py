"""Memory is told before it is taken, and waves follow from it."""

import functools
import subprocess
import sys

import pytest

from textbook.models import mlp
from textbook.replicas import ReplicaTrainer
from textbook.replicas.memory import activation_numbers, available, footing

# a training of many replicas in a process of its own: (MiB told, MiB that the process took beyond what it held)
_MEASURED = """
import functools
from textbook import datasets, splits
from textbook.models import mlp
from textbook.replicas import ReplicaTrainer
build = functools.partial(mlp, hidden=(512, 512), batch_norm=True)
splitter = splits.Splitter(datasets.load("digits"), sizes=(1000, 400, 300))
trainer = ReplicaTrainer(build, splitter, seeds=range(48), epochs=1, batch_size=256)
def peak():  # of this process alone: what getrusage tells starts with the peak of the process that started this one
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
told = trainer.plan().mib[0]  # traces, so that what compiling takes is not counted
before = peak()
trainer.run()
print(told, peak() - before)
"""


def needs(splitter, hidden=(64,), **settings):
    trainer = ReplicaTrainer(functools.partial(mlp, hidden=hidden), splitter, seeds=range(300), epochs=1, **settings)
    return trainer._groups()[0]


def test_numbers_of_a_layer_are_counted(few_digits):
    group = needs(few_digits, hidden=(7, 5))
    # inputs, then Dense and Activation of each hidden layer, then the logits
    assert activation_numbers(group.blueprint, group.replicas[0].split.x) == 64 + 2 * 7 + 2 * 5 + 10


def test_more_replicas_than_fit_make_waves_of_about_equal_size(few_digits):
    group = needs(few_digits)
    whole = footing(group)
    assert 1 < whole.wave <= 128 and whole.wave * 3 >= 300, "no more than 128 at once on a CPU"
    small = footing(group, whole.shared + 40 * whole.per_replica)
    assert small.wave == 38, "eight waves of 38 or 37, not seven of 40 and one of 20"
    assert small.total <= whole.shared + 40 * whole.per_replica


def test_wider_layers_and_larger_batches_take_more(few_digits):
    assert footing(needs(few_digits, hidden=(640,))).per_replica > 5 * footing(needs(few_digits)).per_replica
    small, large = (footing(needs(few_digits, batch_size=size)).per_replica for size in (10, 100))
    assert small < large


def test_free_memory_is_a_number_of_bytes_of_this_machine():
    assert 2**20 < available() < 2**50


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_what_is_told_is_what_is_taken():
    """Within a factor of three either way: allocators keep some and share some."""
    done = subprocess.run([sys.executable, "-c", _MEASURED], capture_output=True, text=True, check=True)
    told, taken = (float(word) for word in done.stdout.split())
    assert told / 3 < taken < told * 3
