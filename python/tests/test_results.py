"""Files that are read without the engine."""

import json
import subprocess
import sys

import numpy
import pytest

from mambascope import results


def test_the_engine_is_not_loaded():
    code = ("import sys, mambascope.results; "
            "sys.exit(any('_core' in name or name == 'numpy' for name in sys.modules))")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lines_without_the_torn_last_one(tmp_path):
    file = tmp_path / "trace.jsonl"
    file.write_text('{"a": 1}\n{"a": 2}\n{"a": ')
    assert results.load(file) == [{"a": 1}, {"a": 2}]
    file.write_bytes('{"a": 1}\n{"a": "é'.encode()[:-1])
    assert results.load(file) == [{"a": 1}]
    file.write_text('{"a": 1}\n{"a": \n{"a": 3}\n')
    with pytest.raises(ValueError, match="line 2"):
        results.load(file)


def test_a_trace_of_rome(tmp_path):
    file = tmp_path / "knowledge_1.npz"
    numpy.savez(file, scores=numpy.eye(3), low_score=0.1, input_tokens=["a", "b"], kind=None)
    held = results.load(file)
    assert held["scores"].shape == (3, 3) and held["low_score"] == 0.1
    with pytest.raises(ValueError, match="part of one"):
        part = tmp_path / "part.npz"
        part.write_bytes(file.read_bytes()[:100])
        results.load(part)
    assert held["input_tokens"].tolist() == ["a", "b"] and held["kind"] is None


def test_a_file_of_mamba_knockout(tmp_path):
    file = tmp_path / "knockout.json"
    file.write_text(json.dumps({"metadata": {"window": 9}, "data": {
        "7": {"0": {"hit": True, "true_probs": 0.5, "diffs": -1.0}, "1": {"hit": False}}}}))
    assert results.load(file)["records"] == [
        {"prompt": 7, "layer": 0, "hit": True, "true_probs": 0.5, "diffs": -1.0},
        {"prompt": 7, "layer": 1, "hit": False}]


def test_safetensors(tmp_path):
    header = {"__metadata__": {"a": "b"},
              "x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
              "y": {"dtype": "I64", "shape": [1, 1], "data_offsets": [4, 12]}}
    text = json.dumps(header).encode()
    file = tmp_path / "s.safetensors"
    bf16 = numpy.array([1.5, -2], "<f4").view("<u4") >> 16
    file.write_bytes(len(text).to_bytes(8, "little") + text + bf16.astype("<u2").tobytes() +
                     numpy.array([9], "<i8").tobytes())
    held = results.load(file)
    assert held["x"].tolist() == [1.5, -2] and held["y"].tolist() == [[9]]
    file.write_bytes(b"\xff" * 20)
    with pytest.raises(ValueError, match="no safetensors"):
        results.load(file)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one command"):
        results.load(tmp_path)
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(ValueError, match="expected one of"):
        results.load(tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError, match="nope does not exist"):
        results.load(tmp_path / "nope")
