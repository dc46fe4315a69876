"""What a long session does: memory, threads, Ctrl-C, PyTorch."""

import gc
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

import mambascope as ms
from conftest import CLEAN, FACT, PATTERN, RELATION


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_grow(model):
    def call(times):
        for _ in range(times):
            model.predict(CLEAN)
            ms.run(model, CLEAN, keep=["resid"]).states
        gc.collect()

    call(200)
    before = resident()
    call(1000)
    assert resident() - before < 20e6


def test_threads_share_a_model(model):
    alone = model.logits(CLEAN)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(model.logits, CLEAN) for _ in range(20)]
        traces = [pool.submit(ms.trace, model, **FACT) for _ in range(4)]
    for run in runs:
        numpy.testing.assert_array_equal(run.result(), alone)
    assert len({trace.result().to_json() for trace in traces}) == 1


def test_python_goes_on_during_a_command(model):
    ticks = []
    with ThreadPoolExecutor(1) as pool:
        trace = pool.submit(ms.trace, model, relations=RELATION, limit=8, progress=False)
        while not trace.done():
            ticks.append(time.monotonic())
            time.sleep(0.001)
        took = ticks[-1] - ticks[0]
    assert max(numpy.diff(ticks)) < 0.5 * took and len(trace.result()["facts"]) == 8


CHILD = """
import sys, mambascope as ms
model = ms.Model.load("demo")
print("begun", flush=True)
try:
    ms.trace(model, relations=sys.argv[2], out=sys.argv[1])
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(ms.trace(model, relations=sys.argv[2], limit=1)["facts"][0]["subject"] != "")
"""


def test_ctrl_c_ends_a_command_and_keeps_its_results(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", CHILD, tmp_path / "run", RELATION],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout.readline() == "begun\n"
    lines = tmp_path / "run" / "trace.jsonl"
    for _ in range(3000):
        if lines.exists() and lines.stat().st_size > 0:
            break
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=120)
    assert said == "interrupted\nTrue\n"
    assert len(ms.results.load(lines)) > 0


def test_the_callers_modes_do_not_reach_the_engine(model):
    from mambascope._build import TORCH
    if not TORCH:
        pytest.skip("built without PyTorch")
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"  # on a CPU, products are our own
    placed = ms.Model.load("demo", device=device)
    plain, edit = ms.run(placed, CLEAN).logits, {"subject": "Louvre", "target": "Rome"}
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast(device, torch.bfloat16):
            assert torch.equal(ms.run(placed, CLEAN).logits, plain)
            assert torch.is_autocast_enabled(device)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    with torch.inference_mode():  # an edit needs gradients
        with model.edit(prompt=PATTERN, layer=8, **edit) as edited:
            assert edited.predict(CLEAN).top[0][0] == " Rome"
        with pytest.raises(ms.Error):
            ms.trace(model, prompt=PATTERN)
        assert torch.is_inference_mode_enabled()


def test_another_pytorch_is_refused(tmp_path):
    """A stand-in: the module is loaded where PyTorch is, or the other way round."""
    from mambascope._build import TORCH
    if TORCH:
        pytest.skip("built beside PyTorch")
    (tmp_path / "torch.py").write_text("__version__ = '9.9'\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    for code in ("import torch, mambascope as ms; ms.Model",
                 "import mambascope as ms; ms.Model; import torch"):
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              check=False, env=environment)
        assert said.returncode == 1 and "ImportError" in said.stderr, said
        assert "install" in said.stderr
    code = ("import mambascope as ms, importlib.util; ms.Model; "
            "print(importlib.util.find_spec('torch') is not None, "
            "importlib.util.find_spec('numpy') is not None)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=environment).stdout == "True True\n"
