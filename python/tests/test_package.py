"""What is written from other files, and what every public name has."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import mambascope as ms
from conftest import ROOT


def test_methods_are_those_of_the_commands(tmp_path):
    program = Path(ms.__file__).parent / "bin" / "mambascope"
    made = tmp_path / "_methods.py"
    subprocess.run([sys.executable, ROOT / "tools/write_python_methods", program, made], check=True)
    kept = ROOT / "python/mambascope/_methods.py"
    assert made.read_text() == kept.read_text(), "run ./dev docs"


def test_every_public_name_has_a_docstring_and_types():
    for name in ms.__all__:
        thing = getattr(ms, name)
        if name.startswith("__"):
            continue
        assert inspect.getdoc(thing), name
        members = vars(thing) if inspect.isclass(thing) else {name: thing}
        functions = [member for key, member in members.items()
                     if inspect.isfunction(member) and not key.startswith("_")]
        for function in functions:
            signature = inspect.signature(function)
            assert signature.return_annotation is not inspect.Signature.empty, function
            untyped = [p for p in signature.parameters.values()
                       if p.annotation is inspect.Parameter.empty and p.name not in ("self", "cls")]
            assert not untyped, (function, untyped)
    assert (Path(ms.__file__).parent / "py.typed").exists()


def test_the_stub_names_what_the_package_has():
    stub = (ROOT / "python/mambascope/__init__.pyi").read_text()
    named = set(re.findall(r"(\w+) as \1\b", stub)) | {"__version__"}
    assert named == set(ms.__all__)
