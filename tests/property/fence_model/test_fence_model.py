"""The model of the fence (docs/model): verified with all guards, and with any one of them removed a counterexample."""

import os
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from checked_models import (
    COMPILER,
    FAULTS,
    GUARDS,
    MODELS,
    NOT_NEEDED,
    SPIN,
    Checked,
    checked,
    copies,
    places,
)

ROOT = Path(__file__).parents[3]
needs_spin = pytest.mark.skipif(
    (SPIN is None or COMPILER is None) and "STOPLINE_REQUIRE_SPIN" not in os.environ,
    reason="there is no Spin or no C compiler on this machine: apt-get install spin gcc",
)
pytestmark = pytest.mark.timeout(600)

ROW = re.compile(r"^\| `(NO_\w+)` \| [^|]+ \| `([^`]+)`: `([^`]+)` \| (?:`([^`]+)`|-) \| [^|]+ \|$", re.MULTILINE)
"""A row of the page's table: the switch, what is taken away, file, name, the test that attacks it, and how it ends."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, "Future[Checked]"]:
    """All runs by their faults or their guard, as many at once as there are cores."""
    wanted = {name: (name, None) for name in FAULTS} | {guard: (faults, guard) for guard, faults in GUARDS.items()}
    wanted |= {guard: (faults, guard) for guard, faults in NOT_NEEDED.items()}
    pool = ThreadPoolExecutor(os.cpu_count())
    started = {
        name: pool.submit(checked, faults, tmp_path_factory.mktemp("spin"), without)
        for name, (faults, without) in wanted.items()
    }
    pool.shutdown(wait=False)
    return started


@needs_spin
@pytest.mark.parametrize("faults", FAULTS)
def test_with_all_guards_every_state_keeps_the_guarantees(runs: Mapping[str, "Future[Checked]"], faults: str) -> None:
    result = runs[faults].result()
    assert result.errors == 0, result.output
    print(f"{faults}: {result.states} states, {result.megabytes:.0f} MB, {result.seconds:.1f} s")  # noqa: T201 (with -s)


@needs_spin
@pytest.mark.parametrize("guard", GUARDS)
def test_without_one_guard_a_guarantee_breaks(runs: Mapping[str, "Future[Checked]"], guard: str) -> None:
    result = runs[guard].result()
    assert result.errors == 1, f"{guard} is not needed: {result.output}"
    assert result.violated.startswith("assertion violated"), result.violated


@needs_spin
@pytest.mark.parametrize("guard", NOT_NEEDED)
def test_what_the_page_calls_not_needed_is_not(runs: Mapping[str, "Future[Checked]"], guard: str) -> None:
    assert runs[guard].result().errors == 0


@needs_spin
@pytest.mark.parametrize("model", sorted({model for model, _ in FAULTS.values()}))
def test_what_must_be_reached_is_reached(runs: Mapping[str, "Future[Checked]"], model: str) -> None:
    """Else the guarantees could hold because nothing is sent, no zombie tries, nothing is restored."""
    results = [runs[name].result() for name, (its_model, _) in FAULTS.items() if its_model == model]
    never = [
        name
        for number, name in places(model).items()
        if all(each.unreached.get(number, 0) >= copies(model, name) for each in results)
    ]
    assert not never


def test_every_switch_of_the_models_is_checked_and_on_the_page() -> None:
    switches = {
        name
        for each in MODELS.glob("*.pml")
        for name in re.findall(r"ifn?def (NO_\w+)|defined\((NO_\w+)\)", each.read_text())
    }
    names = {one or other for one, other in switches}
    page = {row[0] for row in ROW.findall((MODELS / "README.md").read_text())}
    assert names == {*GUARDS, *NOT_NEEDED} == page


def test_every_line_of_code_and_every_test_that_the_page_names_exists() -> None:
    for guard, file, name, attacked_by in ROW.findall((MODELS / "README.md").read_text()):
        text = (ROOT / file).read_text()
        assert re.search(rf"\b{re.escape(name)}\b", text), f"{guard}: no {name} in {file}"
        if attacked_by:
            path, _, test = attacked_by.partition("::")
            assert f"def {test}(" in (ROOT / path).read_text(), f"{guard}: no {test} in {path}"


def test_the_page_has_the_bounds_that_are_checked() -> None:
    page = (MODELS / "README.md").read_text()
    missing = [
        f"{name}: {bounds}" for name, (_, bounds) in FAULTS.items() if f"| {name} | " not in page or bounds not in page
    ]
    assert not missing
