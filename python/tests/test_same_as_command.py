"""Each method has the result of its command, to the byte."""

import io
import json
import re

import pandas
import pytest

import mambascope as ms
from conftest import CLEAN, FACT, RECORDS, RELATION

ONE = {key: FACT[key] for key in ("prompt", "subject")}
EDIT = {**ONE, "target": "Rome", "layer": 8}
# The method, its command, its arguments.
CALLS = [
    ("trace", "trace", FACT),
    ("trace", "trace", {**ONE, "noise": 3, "samples": 2, "site": ["resid", "ssm_out"], "seed": 5}),
    ("trace", "trace", {"relations": RELATION, "limit": 3, "check": True}),
    ("paths", "paths", FACT),
    ("knockout", "knockout", {**ONE, "from_": ["subject", "relation"], "window": [3, 5]}),
    ("attention", "attention", {"prompt": CLEAN, "layers": [3, 4]}),
    ("lre", "lre", {"relations": RELATION, "layers": 4, "samples": 3, "trials": 1, "limit": 8,
                    "betas": [2.0], "ranks": [8]}),
    ("moments", "moments", {"layers": range(2, 4), "projections": "W_o", "limit_documents": 40}),
    ("rome", "edit", EDIT),
    ("memit", "edit", {**EDIT, "layer": [7, 8], "method": "memit"}),
    ("evaluate", "edit", {"counterfact": RECORDS, "limit": 2, "layers": 8, "projections": "W_o"}),
]


def words_of(arguments):
    for name, value in arguments.items():
        option = "--" + name.rstrip("_").replace("_", "-")
        if value is True:
            yield option
        elif value is None:
            continue
        elif name in ("from_",):
            for one in value:
                yield f"{option}={one}"
        else:
            values = value if isinstance(value, (list, range)) else [value]
            yield f"{option}={','.join(map(str, values))}"


def timeless(text):
    """Without the seconds that a search took, and the checksum of a line that holds them."""
    text = re.sub(r'("\w*seconds\w*": ?)[^,}\s]*', r"\1", text)
    return re.sub(r'("check":)"\w*"', r"\1", text) if "seconds" in text else text


@pytest.mark.parametrize(("method", "name", "arguments"), CALLS,
                         ids=[f"{call[0]}-{i}" for i, call in enumerate(CALLS)])
def test_same_bytes(model, command, tmp_path, method, name, arguments):
    command(name, *words_of(arguments), f"--out={tmp_path / 'command'}",
            f"--table={tmp_path / 'table.csv'}")
    given = {key: value for key, value in arguments.items() if key != "method"}
    result = getattr(ms, method)(model, **given)
    assert timeless(result.to_json()) == timeless(
        (tmp_path / "command" / f"{name}.json").read_text())
    saved = result.save(tmp_path / "saved")
    files = {str(file.relative_to(tmp_path / "command")) for file in
             (tmp_path / "command").rglob("*") if file.is_file()}
    assert files == {str(file.relative_to(saved)) for file in saved.rglob("*") if file.is_file()}
    for file in files:
        if not file.endswith(".npz"):  # a zip holds the time
            both = [(folder / file).read_bytes() for folder in (saved, tmp_path / "command")]
            assert timeless(both[0].decode("latin1")) == timeless(both[1].decode("latin1")), file
    table = pandas.read_csv(io.StringIO((tmp_path / "table.csv").read_text()),
                            keep_default_na=False, na_values=[""])
    times = [name for name in table.columns if "seconds" in name]
    pandas.testing.assert_frame_equal(result.to_pandas().drop(columns=times),
                                      table.drop(columns=times))


def test_predict_and_generate(model, command):
    assert model.predict(CLEAN, top=3).data == json.loads(
        command("predict", "--prompt", CLEAN, "--top", 3, "--json"))
    assert model.generate(CLEAN, 6, top_k=3, seed=4) in command(
        "generate", "--prompt", CLEAN, "--tokens", 6, "--top-k", 3, "--seed", 4)


def test_the_command_goes_on_with_a_saved_result(model, command, tmp_path):
    ms.trace(model, relations=RELATION, limit=3).save(tmp_path / "run")
    before = (tmp_path / "run" / "trace.jsonl").read_text()
    command("trace", "--relations", RELATION, "--limit", 5, "--out", tmp_path / "run")
    after = (tmp_path / "run" / "trace.jsonl").read_text()
    assert after.startswith(before)
    assert after.count("\n") == 5


def test_an_edited_model_has_results_of_its_own(model, tmp_path):
    edited = model.edit("{} is in", "Louvre", "Rome", layer=8)
    ms.trace(model, relations=RELATION, limit=2, out=tmp_path)
    with pytest.raises(ms.Error, match="another run"):
        ms.trace(edited, relations=RELATION, limit=2, out=tmp_path)
