"""The exception and the warning of mambascope."""


class Error(RuntimeError):
    """A problem that a user can mend, such as a missing file or a layer out of range.

    The text says what was expected and, after a semicolon, what to try.
    """

    __module__ = "mambascope"


class MambascopeWarning(UserWarning):
    """What the command line prints as a warning or a note."""

    __module__ = "mambascope"
