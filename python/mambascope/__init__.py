"""Where does a language model keep a fact, how does the fact reach the answer, and can it be
rewritten?

    import mambascope as ms

    model = ms.Model.load("demo")
    model.predict("The landmark called Louvre can be found in").top
    ms.trace(model, prompt="The landmark called {} can be found in", subject="Louvre",
             corrupt_subject="Colosseum")

The methods have the options of the commands with the same names; rome, memit and evaluate have
those of edit. docs/python.md has examples.
`mambascope.results` reads result files and does not load the engine.
"""

import importlib

from ._build import VERSION as __version__

_HOMES = {
    "Error": "_errors", "MambascopeWarning": "_errors",
    "Model": "model", "Token": "model", "SiteInfo": "model", "Projection": "model",
    "Prediction": "model",
    "Set": "interventions", "Add": "interventions", "Hold": "interventions",
    "Cut": "interventions", "Case": "interventions", "Base": "interventions",
    "Run": "interventions", "Sweep": "interventions", "run": "interventions",
    "sweep": "interventions",
    "trace": "_methods", "paths": "_methods", "knockout": "_methods", "attention": "_methods",
    "lre": "_methods", "rome": "_methods", "memit": "_methods", "evaluate": "_methods",
    "moments": "_methods",
    "Result": "result", "Figure": "result",
    "Facts": "facts", "load_relations": "facts", "load_counterfact": "facts",
    "compare_with_transformers": "compare",
}
_MODULES = ("results",)

__all__ = [*_HOMES, *_MODULES, "__version__"]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
