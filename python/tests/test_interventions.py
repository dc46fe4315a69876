"""Run and sweep: each intervention moves the output, and both ways agree."""

import numpy
import pytest

import mambascope as ms
from conftest import CLEAN, CORRUPTED, DECIDES


def last(result):
    return numpy.asarray(result.logits)[-1]


@pytest.fixture(scope="module")
def clean(model):
    return ms.run(model, CLEAN, keep=["resid", "ssm_out.3", "embed"])


def variants(clean):
    states = clean.states
    cut = ms.Cut(5, range(3, 6), [9])
    return {
        "set": [ms.Set("resid", 6, DECIDES, states["resid.6"][DECIDES])],
        "set by another name": [
            ms.Set("blocks.6.hook_resid_post", None, DECIDES, states["resid.6"][DECIDES])],
        "add": [ms.Add("embed", None, 3, numpy.full(192, 0.1))],
        "hold": [ms.Set("resid", 2, DECIDES, states["resid.2"][DECIDES]),
                 ms.Hold("ssm_out", 3, DECIDES)],
        "cut": [cut],
        "cut the convolution": [ms.Cut(5, range(5, 9), [9], kind="cut-conv")],
        "cut some channels": [
            ms.Cut(5, range(3, 6), [9], channels=numpy.arange(384) % 2 == 0, mixers="mamba")],
    }


def test_each_moves_the_output_and_sweep_agrees(model, clean):
    base = last(ms.run(model, CORRUPTED))
    lists = variants(clean)
    swept = numpy.asarray(ms.sweep(model, CORRUPTED, list(lists.values())).logits())
    for row, (name, interventions) in zip(swept, lists.items()):
        moved = last(ms.run(model, CORRUPTED, interventions))
        assert numpy.abs(moved - base).max() > 1e-3, name
        numpy.testing.assert_allclose(row, moved, atol=2e-4, err_msg=name)


def test_restoring_every_layer_brings_the_answer_back(model, clean):
    states = clean.states
    cases = [[ms.Set("resid", layer, DECIDES, states[f"resid.{layer}"][DECIDES])]
             for layer in range(model.layers)]
    p = numpy.asarray(ms.sweep(model, CORRUPTED, cases).probabilities("Paris"))
    traced = ms.trace(model, prompt="The landmark called {} can be found in", subject="Louvre",
                      corrupt_subject="Colosseum")
    cells = traced.to_pandas()
    of_token = cells[cells.token == DECIDES].sort_values("layer")
    numpy.testing.assert_allclose(p, of_token.p.to_numpy(), atol=1e-6)
    assert p.max() > 0.5 > p.min()


def test_cases_of_several_bases_read_several_tokens(model):
    bases = [CLEAN, ms.Base(CORRUPTED, [ms.Add("embed", None, 4, [0.01] * 192)])]
    cases = [ms.Case(base=1, read=[8, 9]), ms.Case([ms.Cut(3, [3], [9])])]
    result = ms.sweep(model, bases, cases)
    assert result.states.shape == (3, model.d_model)
    whole = numpy.asarray(ms.run(model, CORRUPTED, bases[1].interventions).logits)
    numpy.testing.assert_allclose(numpy.asarray(result.logits())[:2], whole[8:10], atol=2e-4)
    p = result.probabilities([5, 6, 7])
    softmax = numpy.exp(whole[8]) / numpy.exp(whole[8]).sum()
    numpy.testing.assert_allclose(p[0], softmax[5], rtol=1e-3)


def test_a_hold_takes_the_base_runs_value(model, clean):
    add = [ms.Add("embed", None, 3, [0.2] * 192)]
    held = ms.run(model, CLEAN, [ms.Hold("resid", 15, 9)], base=add)
    numpy.testing.assert_allclose(last(held), last(ms.run(model, CLEAN, add)), atol=1e-5)
    assert numpy.abs(last(held) - last(clean)).max() > 1e-3


@pytest.mark.parametrize(("interventions", "text"), [
    ([ms.Set("resid", 99, 0, [0.0] * 192)], "layer"),
    ([ms.Set("resid", 3, 99, [0.0] * 192)], "token"),
    ([ms.Set("resid", 3, 0, [0.0])], "192"),
    ([ms.Set("sideways", 3, 0, [0.0] * 192)], "sideways"),
    ([ms.Set("resid", None, 0, [0.0] * 192)], "needs one layer"),
    ([ms.Cut(3, [1], [2], kind="sever")], "cut-conv"),
    ([3], "no intervention"),
    ([ms.Set("resid", 3, 0, "abc")], "numbers"),
    ([ms.Set("resid", 3.0, 0, [0.0] * 192)], "Set: layer is 3.0; expected an integer"),
    ([ms.Set("resid", 3, 0, [[0.0] * 192])], r"shape \[192\], but has \[1, 192\]"),
    ([ms.Cut(3, "ab", [2])], "Cut: from_ is 'ab'; expected a sequence"),
])
def test_wrong_interventions_are_errors(model, interventions, text):
    with pytest.raises(ms.Error, match=text):
        ms.run(model, CLEAN, interventions)
    with pytest.raises(ms.Error, match=text):
        ms.sweep(model, CLEAN, [interventions])


def test_arrays_share_the_engines_memory(model):
    states = ms.run(model, CLEAN, keep=["resid.3"])
    first, second = states.states["resid.3"], states.states["resid.3"]
    assert numpy.shares_memory(numpy.asarray(first), numpy.asarray(second))
    del states
    assert numpy.isfinite(first).all()  # they outlive the run


def test_any_array_of_numbers_is_a_value(model):
    value = numpy.arange(192) / 100
    runs = [last(ms.run(model, CLEAN, [ms.Set("resid", 3, 4, one)])) for one in (
        value, value.astype(numpy.float16).astype(numpy.float64), value[::-1][::-1],
        numpy.stack([value, value], 1)[:, 0], list(value), value.astype(">f4"))]
    for run in runs[2:]:
        numpy.testing.assert_array_equal(run, runs[0])
    reverse = last(ms.run(model, CLEAN, [ms.Set("resid", 3, 4, value[::-1])]))
    assert numpy.abs(reverse - runs[0]).max() > 1e-3


def test_numpys_numbers_are_numbers(model):
    ids = numpy.array(model.ids(CLEAN))
    cases = [ms.Case([ms.Cut(numpy.int64(3), ids[:2] * 0 + [1, 2], [9])], read=numpy.array([9]))]
    p = ms.sweep(model, ids, cases).probabilities(numpy.int64(7))
    numpy.testing.assert_array_equal(p, ms.sweep(model, CLEAN, cases).probabilities(7))
    assert ms.attention(model, ids=ids, layers=numpy.array([3])).to_json() == ms.attention(
        model, ids=list(ids), layers=3).to_json()
    with pytest.raises(ms.Error, match="no token 99999"):
        ms.sweep(model, CLEAN, cases).probabilities(99999)
