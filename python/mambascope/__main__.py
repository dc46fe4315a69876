"""`mambascope` and `python -m mambascope`: the program of the command line."""

import os
import sys
from pathlib import Path


def main() -> None:
    program = Path(__file__).parent / "bin" / "mambascope"
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    main()
