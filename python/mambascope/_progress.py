"""Progress bars, with tqdm where it is installed."""


class Bar:
    """Shows a command's progress: a bar for each piece of work. Call it with what, done, total."""

    def __init__(self) -> None:
        self._what = None
        self._bar = None

    def __call__(self, what: str, done: float, total: int) -> None:
        if what != self._what:
            self.close()
            self._what = what
            self._bar = _tqdm(what, total)
        if self._bar is not None:
            self._bar.total = total or None
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._what = self._bar = None


def _tqdm(what: str, total: int):
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total or None, desc=what, delay=1, leave=False,
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}")
