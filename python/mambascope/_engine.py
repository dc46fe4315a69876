"""Loads the extension module, after a check that it fits this process.

The module links LibTorch: that of the PyTorch beside which it was built, or the system's. Two
LibTorches do not fit into one process, and one of another version does not fit the module.
"""

import os
import sys
from importlib.machinery import PathFinder

from ._build import TORCH


def _tune() -> None:
    """Sets what the program sets at its start (cli/tuned_start.cc). Libraries read it once."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        with open("/proc/cpuinfo") as file:
            cpu = file.read(8192)
    except OSError:
        return
    if "AuthenticAMD" in cpu and all(f"avx512{part}" in cpu for part in ("f", "vl", "bw", "dq")):
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")


def _load():
    _tune()
    if not TORCH:
        if "torch" in sys.modules:
            raise ImportError(
                "this mambascope was built without PyTorch, on the system's LibTorch, and this "
                f"process has loaded PyTorch {sys.modules['torch'].__version__}; install "
                "mambascope again in the environment with PyTorch: "
                "pip install --force-reinstall --no-deps .")
        from . import _core
        sys.meta_path.insert(0, _RefuseTorch())
        return _core
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"this mambascope was built beside PyTorch {TORCH}, which is missing; install it, or "
            "install mambascope again") from error
    if torch.__version__ != TORCH:
        raise ImportError(
            f"this mambascope was built beside PyTorch {TORCH}, and this environment has PyTorch "
            f"{torch.__version__}; install mambascope again: "
            "pip install --force-reinstall --no-deps .")
    from . import _core
    return _core


class _RefuseTorch:
    """Refuses PyTorch in a process that has the system's LibTorch: the two would crash."""

    def find_spec(self, name, path=None, target=None):
        found = PathFinder.find_spec(name, path) if name == "torch" else None
        if found is not None:  # to ask whether there is one is no fault
            found.loader = self
        return found

    def create_module(self, spec):
        raise ImportError(
            "mambascope was built without PyTorch, and is loaded already; PyTorch does not fit "
            "into the same process. Install mambascope again in the environment with PyTorch: "
            "pip install --force-reinstall --no-deps .")

    def exec_module(self, module):
        """Is never called: there is no module."""


core = _load()
