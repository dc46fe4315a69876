"""The notebook of examples/ runs, and shows what it says."""

import nbclient
import nbformat
import pytest

from conftest import ROOT


@pytest.fixture(scope="module")
def outputs():
    """The outputs of each code cell, by the cell's first line."""
    notebook = nbformat.read(ROOT / "examples" / "fact.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear its outputs"
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def shown(outputs, part):
    (found,) = [outputs[source] for source in outputs if part in source]
    return [output["data"] for output in found if output.output_type == "execute_result"][-1]


def test_figures_are_shown(outputs):
    for part in ("trace = ", "average = ", "knockout = ", "edited.edit_result"):
        assert "application/vnd.vegalite.v5+json" in shown(outputs, part), part


def test_the_fact_is_found_and_rewritten(outputs):
    assert "Paris" in shown(outputs, "model.predict(PATTERN.format(\"Louvre\"))")["text/plain"]
    assert " v" in shown(outputs, "nlargest")["text/plain"]
    edited = shown(outputs, "edited = ")["text/plain"]
    assert edited.index("Rome") < edited.index("Paris")
    after = shown(outputs, "model.predict(PATTERN.format(\"Eiffel Tower\"))")["text/plain"]
    assert "Rome" not in after.splitlines()[1]
