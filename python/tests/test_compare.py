"""The comparison with transformers, where it is installed."""

import subprocess
import sys

import pytest

import mambascope as ms
from conftest import CLEAN, ROOT


def has_transformers():
    code = "import torch, transformers"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    return ended.returncode == 0


@pytest.mark.parametrize("name", ["demo-mamba", "demo-mamba2", "demo-hybrid", "demo-neox"])
def test_every_state_agrees(name):
    if not has_transformers():
        pytest.skip("transformers and torch are not installed")
    compared = ms.compare_with_transformers(ROOT / "models" / name, CLEAN)
    assert compared.largest < 1e-5 and compared.same_top
    assert [row.name for row in compared.rows][-2:] == [
        f"resid.{ms.Model.load(name).layers - 1}", "logits"]
    assert "the most probable tokens are the same" in repr(compared)


def test_a_missing_transformers_is_an_error(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho No module named transformers >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(ms.Error, match="install transformers"):
        ms.compare_with_transformers(ROOT / "models" / "demo-mamba", CLEAN, python=str(python))
