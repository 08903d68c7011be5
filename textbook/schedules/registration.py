"""Makes `InSteps` known to Keras as soon as there is a Keras, without importing it.

`keras.models.load_model` finds a class only once it is registered, and registering needs Keras. Schedules are used in
runs that must not load TensorFlow, so `import textbook.schedules` registers at once where Keras is loaded already, and
otherwise leaves a note in Python's import system that does it right after `import keras`.
"""

import importlib
import sys
from importlib.abc import MetaPathFinder


class AfterKeras(MetaPathFinder):
    """Lets the other finders find Keras, and calls `register` once Keras has been executed."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is None or spec.loader is None:
            return spec
        loader = spec.loader

        def execute_then_register(module):
            del loader.exec_module  # uncovers the loader's own method
            loader.exec_module(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            register()

        # on the instance, not in a loader of ours: whoever asks Keras's loader for files or sources finds it whole
        loader.exec_module = execute_then_register
        return spec


def register() -> None:
    """Import the Keras side, whose class registers itself under "textbook>InSteps"."""
    importlib.import_module("textbook.schedules.keras_schedule")


def register_when_keras_loads() -> None:
    """Register now where Keras is loaded, else right after it is."""
    if "keras" in sys.modules:
        register()
    elif not any(isinstance(finder, AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, AfterKeras())
