"""What computed is recorded truly: a GPU only where it was used."""

import sys
from types import SimpleNamespace

import pytest

from assets.home.hardware import computing_device, torch_blocks


@pytest.fixture
def torch(monkeypatch):
    """A torch with a GPU, of which `blocks` have been handed out."""
    fake = SimpleNamespace(blocks=0)
    fake.cuda = SimpleNamespace(
        is_initialized=lambda: fake.blocks is not None,
        is_available=lambda: True,
        memory_stats=lambda: {"allocation.all.allocated": fake.blocks},
    )
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake


def test_a_gpu_that_is_there_and_computes_nothing_is_not_recorded(torch):
    torch.blocks = 7
    before = torch_blocks()
    assert computing_device("torch", before) == "cpu"
    torch.blocks = 9
    assert computing_device("torch", before) == "gpu" and computing_device("numpy", before) == "cpu"


def test_torch_without_a_gpu_has_handed_out_no_memory(torch):
    torch.blocks = None
    assert torch_blocks() == 0 and computing_device("torch", 0) == "cpu"
