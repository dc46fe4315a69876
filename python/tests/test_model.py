"""A model: its description, its states and its edits."""

import subprocess

import numpy
import pytest

import mambascope as ms
from conftest import CLEAN, PATTERN


def test_describes_itself(model, command):
    import json
    info = json.loads(command("info", "--json"))
    for key in ("architecture", "layers", "d_model", "vocab", "parameters"):
        assert getattr(model, key) == info[key]
    assert [(site.name, site.width) for site in model.sites] == [
        (site["name"], site["width"]) for site in info["sites"]]
    assert [one.name for one in model.projections] == info["projections"]
    assert "16 layers" in repr(model)


def test_states_are_those_of_the_command(model, command, tmp_path):
    file = tmp_path / "s.safetensors"
    command("states", "--prompt", CLEAN, "--sites", "resid,ssm_out", "--out", file)
    written = ms.results.load(file)
    states = model.states(CLEAN, ["embed", "resid", "ssm_out"]) | {"logits": model.logits(CLEAN)}
    assert states.keys() | {"tokens"} == written.keys()
    for name, array in states.items():
        numpy.testing.assert_array_equal(array, written[name], err_msg=name)
    assert written["tokens"].tolist() == model.ids(CLEAN)


def test_tokens_have_their_place_in_the_text(model):
    tokens = model.tokens("The Louvre")
    assert "".join("The Louvre"[token.begin:token.end] for token in tokens) == "The Louvre"
    assert model.decode(token.id for token in tokens) == "The Louvre"
    assert model.decode([model.answer("Paris")]) == " Paris"


def test_an_edit_makes_another_model(model, tmp_path):
    before = numpy.array(model.logits(CLEAN))
    with model.edit("The landmark called {} can be found in", "Louvre", "Rome", layer=8) as edited:
        assert edited.predict(CLEAN).top[0][0] == " Rome"
        assert edited.edit_result["edit"]["target"] == "Rome"
        assert edited.fingerprint != model.fingerprint
    assert model.predict(CLEAN).top[0][0] == " Paris"
    numpy.testing.assert_array_equal(before, model.logits(CLEAN))
    file = edited.edit_result.save(tmp_path / "edit") / "edit.safetensors"
    numpy.testing.assert_array_equal(model.edited(file).logits(CLEAN), edited.logits(CLEAN))
    with pytest.raises(ms.Error, match="another checkpoint"):
        ms.Model.load("demo-mamba2").edited(file)
    with pytest.raises(ms.Error, match="another checkpoint"):
        edited.edited(file)


@pytest.mark.parametrize("name", ["demo-mamba2", "demo-hybrid", "demo-neox"])
def test_every_bundled_model_knows_a_fact(name):
    assert ms.Model.load(name).predict(CLEAN).top[0][0] == " Paris"


@pytest.mark.parametrize(("arguments", "text"), [
    ({"model": "no/such folder"}, "no such folder"),
    ({"device": "toaster"}, "toaster"),
    ({"precision": "float8"}, "float8"),
    ({"compat": "numpy"}, "numpy"),
    ({"threads": 10_000}, "cores"),
])
def test_wrong_loads_are_errors(arguments, text):
    with pytest.raises(ms.Error, match=text):
        ms.Model.load(**arguments)


def test_the_program_comes_along():
    import sys
    said = subprocess.run([sys.executable, "-m", "mambascope", "--version"], check=True,
                          capture_output=True, text=True).stdout
    assert ms.__version__ in said


def test_a_result_stands_for_its_folder(model):
    few = ms.moments(model, layers=8, projections="W_o", limit_documents=150)
    edit = {"prompt": PATTERN, "subject": "Louvre", "target": "Rome", "layer": 8}
    by_result = ms.rome(model, **edit, moments=few)
    assert by_result.to_json() == ms.rome(model, **edit, moments=str(few.folder)).to_json()
    assert by_result["edit"] != ms.rome(model, **edit)["edit"]
