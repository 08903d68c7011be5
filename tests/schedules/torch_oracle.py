"""What torch's own schedulers put into an optimizer, update by update."""

import numpy as np
import pytest


def torch_values(scheduler: str, updates: int, *, initial: float = 1.0, **settings):
    """(rates, momenta) in force at updates 0 … updates − 1; the test is skipped where torch is not installed."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=initial, momentum=0.9)
    clock = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, **settings)
    rates, momenta = [], []
    for update in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if update < updates - 1:
            clock.step()
    return np.array(rates), np.array(momenta)
