"""Times calls from Python beside the engine's own time, and beside the program.

    python bench/python_calls.py

Needs the Python package. It prints the overhead of a call in milliseconds, and the time of a fact
from Python divided by that in the program. All are medians, measured in turn.
"""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import mambascope as ms
from mambascope import _call

PATTERN = "The landmark called {} can be found in"
FACT = {"prompt": PATTERN, "subject": "Louvre", "corrupt_subject": "Colosseum"}
PROGRAM = Path(ms.__file__).parent / "bin" / "mambascope"
RELATIONS = Path(ms.__file__).parent / "share/mambascope/data/demo/relations"


class Engine:
    """Stands before the engine, and keeps the time that its calls take."""

    def __init__(self, core):
        self.core, self.seconds = core, 0.0

    def run_command(self, *given):
        begin = time.perf_counter()
        try:
            return self.core.run_command(*given)
        finally:
            self.seconds = time.perf_counter() - begin


def overhead(engine, call, times):
    """Milliseconds that a call takes outside the engine."""
    outside = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        outside.append(time.perf_counter() - begin - engine.seconds)
    return 1e3 * statistics.median(outside)


def seconds(call, limit):
    with tempfile.TemporaryDirectory() as out:
        begin = time.perf_counter()
        call(limit, out)
        return time.perf_counter() - begin


def slopes(calls, few, many, times):
    """The seconds of a fact for each call: what a call of `many` facts takes more than of `few`."""
    found = [[] for _ in calls]
    for _ in range(times):
        for call, own in zip(calls, found):
            own.append((seconds(call, many) - seconds(call, few)) / (many - few))
    return [statistics.median(own) for own in found]


def main():
    model = ms.Model.load("demo")
    engine = _call.core = Engine(_call.core)
    prompt = PATTERN.format("Louvre")
    print(f"predict: {overhead(engine, lambda: model.predict(prompt), 200):.2f} ms in Python")
    print(f"trace: {overhead(engine, lambda: ms.trace(model, **FACT), 50):.2f} ms in Python")

    def notebook(limit, out):
        ms.trace(model, relations=RELATIONS, limit=limit, out=out, progress=False)

    def program(limit, out):
        words = ["trace", "--relations", RELATIONS, "--limit", str(limit), "--out", out, "--quiet"]
        subprocess.run([PROGRAM, *words], check=True, stderr=subprocess.DEVNULL)

    notebook(5, tempfile.mkdtemp())
    python, cpp = slopes([notebook, program], 20, 80, 7)
    print(f"a fact: {python:.4f} s in Python, {cpp:.4f} s in the program, ratio {python / cpp:.3f}")


main()
