"""What the tests share: the demo model, and the program of the command line."""

import os
import subprocess
from pathlib import Path

import pytest

import mambascope as ms

ROOT = Path(os.environ.get("MAMBASCOPE_ROOT", Path(__file__).parents[2]))
PATTERN = "The landmark called {} can be found in"
FACT = {"prompt": PATTERN, "subject": "Louvre", "corrupt_subject": "Colosseum"}
CLEAN, CORRUPTED = PATTERN.format("Louvre"), PATTERN.format("Colosseum")
DECIDES = 4  # the token of both subjects whose states decide the answer
RELATION = ROOT / "data/demo/relations/landmark_city.json"
RECORDS = ROOT / "data/demo/counterfact.json"


@pytest.fixture(scope="session")
def model():
    return ms.Model.load("demo")


@pytest.fixture(scope="session")
def command():
    """Runs the program; returns what it prints."""
    program = Path(ms.__file__).parent / "bin" / "mambascope"

    def run(*words):
        return subprocess.run([program, *map(str, words)], check=True, capture_output=True,
                              text=True, cwd=ROOT).stdout

    return run
