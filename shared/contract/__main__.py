"""`python -m shared.contract [folder]`: write the contract, to be run when an event changes. Needs the dev group."""

import sys
from pathlib import Path

from shared.contract.files import write_contract

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "contract"
    for name in write_contract(folder):
        print(name)  # noqa: T201 (a command says what it changed)
