"""Results: forms, files, pickles; facts that are chosen in Python."""

import json
import pickle

import pytest

import mambascope as ms
from conftest import CLEAN, FACT, RECORDS, RELATION


@pytest.fixture(scope="module")
def trace(model):
    return ms.trace(model, **FACT)


def test_is_the_json_and_shows_a_figure(trace):
    assert trace["facts"][0]["subject"] == "Louvre"
    assert trace.keys() == json.loads(trace.to_json()).keys()
    assert "Paris" in repr(trace)
    bundle = trace._repr_mimebundle_()
    spec = bundle["application/vnd.vegalite.v5+json"]
    assert spec["$schema"].startswith("https://vega.github.io")
    assert bundle["text/plain"] == repr(trace)
    assert "image/svg+xml" in bundle or "<iframe" in bundle["text/html"]


def test_figures_are_files(trace, tmp_path):
    trace.figure().save(tmp_path / "f.html")
    assert trace.figure().heading in (tmp_path / "f.html").read_text()
    trace.figure().save(tmp_path / "f.json")
    assert json.loads((tmp_path / "f.json").read_text()) == trace.figure().spec
    with pytest.raises(ValueError, match="svg"):
        trace.figure().save(tmp_path / "f.tiff")


def test_survives_a_pickle(trace, model, tmp_path):
    again = pickle.loads(pickle.dumps(trace))
    assert again.to_json() == trace.to_json() and again.html() == trace.html()
    assert again.figure().spec == trace.figure().spec
    assert again.to_pandas().equals(trace.to_pandas())
    moments = ms.moments(model, layers=1, projections="W_o", limit_documents=20)
    again = pickle.loads(pickle.dumps(moments))
    folder = moments.folder
    del moments
    assert not folder.exists()  # a temporary folder goes with its result
    held = ms.results.load(again.save(tmp_path / "m") / "moments" / "mixed.1.npz")
    assert held["mom2.mom2"].shape == (384, 384)


def test_another_result_is_not_replaced(trace, tmp_path):
    trace.save(tmp_path)
    with pytest.raises(FileExistsError):
        trace.save(tmp_path)


def test_no_table_and_no_files(model):
    prediction = model.predict(CLEAN)
    with pytest.raises(ValueError, match="no table"):
        prediction.to_pandas()
    with pytest.raises(ValueError, match="no files"):
        prediction.folder


def test_chosen_facts_are_those_that_run(model):
    facts = ms.load_relations(RELATION)
    chosen = facts.where(lambda fact: fact["subject"] in ("Louvre", "Colosseum", "Big Ben"))
    result = ms.trace(model, facts=chosen, all_facts=True)
    assert {fact["subject"] for fact in result["facts"]} == {"Louvre", "Colosseum", "Big Ben"}
    assert len(facts[2:5]) == 3 and len(ms.load_relations()) > 5000
    records = ms.load_counterfact(RECORDS)[:3]
    assert len(ms.evaluate(model, facts=records, layers=8, all_facts=True)["records"]) == 3
    with pytest.raises(ms.Error, match="no facts"):
        ms.trace(model, facts=facts[:0])


def test_whole_files_give_the_commands_result(model):
    by_facts = ms.trace(model, facts=ms.load_relations(RELATION), limit=2)
    assert by_facts.to_json() == ms.trace(model, relations=RELATION, limit=2).to_json()


def test_errors_speak_of_arguments(model):
    with pytest.raises(ms.Error, match="needs corrupt_subject or noise"):
        ms.trace(model, prompt="{} is in", subject="Louvre")
    with pytest.raises(ms.Error, match="sideways"):
        ms.trace(model, site="sideways", **FACT)
    with pytest.raises(TypeError, match="sites"):
        ms.trace(model, sites="resid", **FACT)
    with pytest.raises(ms.Error, match="cannot be read"):
        ms.load_relations("no-such-file.json")
    with pytest.warns(ms.MambascopeWarning, match="about the depth"):
        ms.rome(model, prompt="{} is in", subject="Louvre", target="Rome")


def test_chosen_facts_do_not_mix_with_earlier_ones(model, tmp_path):
    facts = ms.load_relations()
    with pytest.raises(ms.Error, match="limit"):
        ms.trace(model, facts=facts.where(lambda fact: fact["relation"] < "c")[:60:20], limit=-1,
                 out=tmp_path)
    some = ms.load_relations(RELATION)[::60]
    result = ms.trace(model, facts=some, all_facts=True, out=tmp_path)
    assert len(result["facts"]) == len(some)


def test_facts_are_facts(model, tmp_path):
    with pytest.raises(ms.Error, match="facts is a list"):
        ms.trace(model, facts=[{"subject": "Louvre"}])
    assert len(ms.load_relations(RELATION.parent.glob("landmark_c*.json"))) > 10
    (tmp_path / "r.json").write_text('{"name": "x", "samples": [{"subject": "a"}]}')
    with pytest.raises(ms.Error, match="no relation"):
        ms.load_relations(tmp_path / "r.json")


def test_an_interrupted_runs_lines_are_not_replaced(model, tmp_path):
    (tmp_path / "trace.jsonl").write_text("{}\n")
    with pytest.raises(FileExistsError):
        ms.trace(model, relations=RELATION, limit=1).save(tmp_path)
    assert (tmp_path / "trace.jsonl").read_text() == "{}\n"


def test_empty_and_odd_values_are_no_other_arguments(model):
    result = ms.lre(model, relations=RELATION, layers=4, samples=3, trials=1, limit=5, betas=[2.0],
                    ranks=[8], prefix="")
    assert result["options"]["prefix"] == ""
    for wrong in ({"layers": []}, {"layers": True}, {"layers": range(0)}, {"limit_documents": True},
                  {"max_tokens": [3, 4]}):
        with pytest.raises(ms.Error, match=next(iter(wrong))):
            ms.moments(model, **wrong)
    with pytest.raises(ms.Error, match="prompt takes one value"):
        ms.attention(model, prompt=[445, 1997], layer=3)
    with pytest.raises(ms.Error, match="Model.load"):
        ms.trace("demo", **FACT)
    with pytest.raises(TypeError):
        model.predict([1.7])
    with pytest.raises(TypeError):
        ms.load_relations(RELATION)[0]["subject"] = "Zebra"
    with pytest.raises(TypeError):
        ms.run(model, CLEAN, keep=[0])
    assert ms.run(model, CLEAN, keep="resid.3").states.keys() == {"resid.3"}


def test_paths_may_begin_with_the_users_home(model, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    trace = ms.trace(model, **FACT, out="~/run")
    assert ms.results.load("~/run") == ms.results.load(tmp_path / "run") == dict(trace)
    trace.save("~/copy")
    trace.figure().save("~/figure.json")
    assert (tmp_path / "copy" / "trace.json").exists() and (tmp_path / "figure.json").exists()
