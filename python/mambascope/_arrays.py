"""Which arrays the engine's tensors become, and what it takes as a tensor.

They share memory where possible. Booleans, lists and read-only arrays are copied.

Beside PyTorch they are torch.Tensor, and elsewhere numpy.ndarray, which is read-only.
"""

from ._build import TORCH
from ._errors import Error


def to_array(source):
    """The array of an engine's tensor (an object of the DLPack protocol)."""
    if TORCH:
        import torch
        return torch.from_dlpack(source)
    import numpy
    return numpy.from_dlpack(source)


def to_dlpack(array):
    """A DLPack capsule of an array, a tensor, or nested lists of numbers; float32 or int64."""
    if TORCH:
        import torch
        if isinstance(array, torch.Tensor):
            array = array.detach()
            kind = torch.float32 if array.is_floating_point() else torch.int64
            return array.to(kind).contiguous().__dlpack__()
    import numpy
    array = numpy.asarray(array)
    if array.dtype.kind not in "biuf":
        raise Error(f"expected an array of numbers, not of {array.dtype}")
    kind = numpy.float32 if array.dtype.kind == "f" else numpy.int64
    # NumPy exports no read-only memory, and the engine takes no negative strides.
    return numpy.require(array, kind, ["C", "W"]).__dlpack__()
