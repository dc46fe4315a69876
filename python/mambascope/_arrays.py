"""Which arrays the engine's tensors become, and what it takes as a tensor. No copies are made.

Beside PyTorch they are torch.Tensor, and elsewhere numpy.ndarray, which is read-only.
"""

from ._build import TORCH


def to_array(source):
    """The array of an engine's tensor (an object of the DLPack protocol)."""
    if TORCH:
        import torch
        return torch.from_dlpack(source)
    import numpy
    return numpy.from_dlpack(source)


def to_dlpack(array):
    """A DLPack capsule of an array, a tensor, or nested lists of numbers."""
    if TORCH:
        import torch
        if not isinstance(array, torch.Tensor) and not hasattr(array, "__dlpack__"):
            array = torch.as_tensor(array)
        if isinstance(array, torch.Tensor):
            array = array.detach()
            if array.dtype == torch.bool:  # which DLPack did not always know
                array = array.to(torch.uint8)
            return array.__dlpack__()
    import numpy
    if not hasattr(array, "__dlpack__") or isinstance(array, numpy.generic):
        array = numpy.asarray(array)
    if isinstance(array, numpy.ndarray):
        if array.dtype == bool:
            array = array.astype(numpy.uint8)
        if not array.flags.writeable:  # NumPy exports no read-only memory
            array = array.copy()
    return array.__dlpack__()
