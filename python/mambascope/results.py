"""Reads result files, ours and other tools', without the engine.

    trace = mambascope.results.load("out/trace-demo-resid/trace.json")
    moments = mambascope.results.load("out/moments/mixed.3.npz")

docs/results.md and docs/cli say what the files hold.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

_RESULTS = ("trace", "paths", "knockout", "attention", "edit", "lre", "moments")


def load(path: str | os.PathLike) -> Any:
    """Reads a result file, or a folder with the result of one command.

    .json         the JSON as dicts and lists. For that of the public mamba-knockout, {metadata,
                  data}, the key `records` is added: a list with a dict for each prompt and window.
    .jsonl        a list with a dict for each line. A torn last line is left out.
    .npz          {name: array}: second moments, and ROME's traces. Needs NumPy.
    .safetensors  {name: array}: states and edits. bfloat16 becomes float32. Needs NumPy.
    .csv          a pandas.DataFrame. Needs pandas.
    a folder      its trace.json, paths.json, ..

    Raises ValueError for another kind of file, and for one that is damaged; FileNotFoundError where
    there is none.
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise FileNotFoundError(f"{file} does not exist")
    if file.is_dir():
        held = [file / f"{name}.json" for name in _RESULTS if (file / f"{name}.json").exists()]
        if len(held) != 1:
            raise ValueError(f"{file}: expected the result of one command in the folder, not of "
                             f"{len(held)}; name a file in it")
        file = held[0]
    readers = {".json": _read_json, ".jsonl": _read_lines, ".npz": _read_npz,
               ".safetensors": _read_safetensors, ".csv": read_table}
    if file.suffix not in readers:
        raise ValueError(f"{file}: expected one of {', '.join(readers)}")
    return readers[file.suffix](file)


def _read_json(file: Path) -> Any:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}: {error}") from error
    if isinstance(held, dict) and {"metadata", "data"} <= held.keys():
        held["records"] = _knockout_records(held["data"])
    return held


def _knockout_records(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Of mamba-knockout: data[prompt][first layer of the window] = {hit, true_probs, diffs}."""
    return [{"prompt": int(prompt) if prompt.isdigit() else prompt, "layer": int(layer), **values}
            for prompt, windows in data.items() for layer, values in windows.items()]


def _read_lines(file: Path) -> list[Any]:
    lines = file.read_bytes().split(b"\n")
    held = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            held.append(json.loads(line))
        except ValueError as error:  # no JSON, or no UTF-8
            if number == len(lines):  # it has no newline: its writer was interrupted
                break
            raise ValueError(f"{file}, line {number}: {error}") from error
    return held


def _read_npz(file: Path) -> dict[str, Any]:
    import numpy
    if not zipfile.is_zipfile(file):
        raise ValueError(f"{file}: this is no .npz file, or only a part of one")
    held = {}
    with numpy.load(file, allow_pickle=False) as arrays:
        for name in arrays.files:
            try:
                array = arrays[name]
            except ValueError:  # a Python object, such as ROME's kind None; reading it runs code
                held[name] = None
                continue
            held[name] = array.item() if array.ndim == 0 else array
    return held


_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
          "I8": "i1", "U8": "u1", "BOOL": "?", "BF16": "<u2"}


def _read_safetensors(file: Path) -> dict[str, Any]:
    import numpy
    content = file.read_bytes()
    try:
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8:8 + size])
        held = {}
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            begin, end = tensor["data_offsets"]
            flat = numpy.frombuffer(content[8 + size + begin:8 + size + end],
                                    _TYPES[tensor["dtype"]])
            if tensor["dtype"] == "BF16":
                flat = (flat.astype("<u4") << 16).view("<f4")
            held[name] = flat.reshape(tensor["shape"])
    except (struct.error, json.JSONDecodeError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise ValueError(f"{file}: this is no safetensors file: {error}") from error
    return held


def read_table(file: Any) -> Any:
    """A pandas.DataFrame of a command's table: a path, or an open file. Only "" is no value."""
    import pandas
    return pandas.read_csv(file, keep_default_na=False, na_values=[""])
