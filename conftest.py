"""What pytest leaves out: modules of a backend that is not installed, which it would import to look for doctests."""

import importlib.util

_TORCH = ("on_torch.py", "torch_kinks.py")

collect_ignore = [] if importlib.util.find_spec("torch") else [f"textbook/checks/evaluation/{name}" for name in _TORCH]
