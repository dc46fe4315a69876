from . import results as results
from ._errors import Error as Error, MambascopeWarning as MambascopeWarning
from ._methods import (
    attention as attention,
    evaluate as evaluate,
    knockout as knockout,
    lre as lre,
    memit as memit,
    moments as moments,
    paths as paths,
    rome as rome,
    trace as trace,
)
from .compare import compare_with_transformers as compare_with_transformers
from .facts import (
    Facts as Facts,
    load_counterfact as load_counterfact,
    load_relations as load_relations,
)
from .interventions import (
    Add as Add,
    Base as Base,
    Case as Case,
    Cut as Cut,
    Hold as Hold,
    Run as Run,
    Set as Set,
    Sweep as Sweep,
    run as run,
    sweep as sweep,
)
from .model import (
    Model as Model,
    Prediction as Prediction,
    Projection as Projection,
    SiteInfo as SiteInfo,
    Token as Token,
)
from .result import Figure as Figure, Result as Result

__version__: str
