"""The repository's other files: nothing of one machine, and documents that are true."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree import ROOT, files, python_files, shown

_OF_ONE_MACHINE = (
    r"/work/\w",
    r"/home/[a-z]",
    r"/root/(?!\.cache/pip)[\w.]",
    r"index-url",
    r"https?://[\w.-]*(pypi\.|pythonhosted|repo1?\.maven|registry\.npmjs|crates\.io)",
)
_PROSE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")


def _texts() -> Iterator[tuple[Path, str]]:
    for path in files():
        if path != Path(__file__).resolve():
            try:
                yield path, path.read_text()
            except UnicodeDecodeError:
                continue


def test_no_file_names_a_machine_or_a_package_index() -> None:
    named = [
        f"{shown(path)}: {found.group()}"
        for path, text in _texts()
        for pattern in _OF_ONE_MACHINE
        for found in re.finditer(pattern, text)
    ]
    assert named == []


def _lock(name: str) -> list[str]:
    return (ROOT / name).read_text().replace("\\\n", "").splitlines()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_its_hashes(name: str) -> None:
    locked = [line for line in _lock(name) if line and not line.lstrip().startswith("#")]
    assert len(locked) > 20
    assert [line for line in locked if "==" not in line or "--hash=sha256:" not in line] == []


def test_the_image_has_what_the_development_lock_has() -> None:
    development = {line.split()[0] for line in _lock("requirements-dev.lock") if "==" in line}
    assert {line.split()[0] for line in _lock("requirements.lock") if "==" in line} <= development


def _prose() -> Iterator[tuple[Path, str]]:
    for path, text in _texts():
        if path.suffix == ".md" and path.relative_to(ROOT).parts[0] in _PROSE:
            yield path, text


def test_every_path_that_a_document_names_exists() -> None:
    missing = [
        f"{shown(path)}: {name}"
        for path, text in _prose()
        for name in re.findall(r"`((?:tests|docs|deploy|services|shared|harness|benchmarks)/[\w./-]+)", text)
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_what_a_crash_leaves_is_explained_for_each_failpoint_of_the_sender() -> None:
    code = "".join(path.read_text() for path in (ROOT / "services" / "sender").rglob("*.py"))
    page = (ROOT / "docs" / "architecture" / "send.md").read_text()
    assert set(re.findall(r"`(sender\.[a-z_]+)`", page)) == set(re.findall(r'failpoint\("(.+?)"\)', code))


def test_every_test_that_a_document_names_exists() -> None:
    named = [found for _, text in _prose() for found in re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)", text)]
    assert named
    assert [f"{path}::{test}" for path, test in named if f"def {test}(" not in (ROOT / path).read_text()] == []


def test_every_metric_that_a_document_names_exists() -> None:
    code = "".join(path.read_text() for path in python_files("services", "shared"))
    of_the_plugin = "".join(path.read_text() for path in python_files("clients"))  # its options and fixtures
    named = {found for _, text in _prose() for found in re.findall(r"`(stopline_[a-z_]+[a-z])", text)}
    assert named
    defined = set(re.findall(r'"(stopline_[a-z_]+)"', code))
    undefined = {name for name in named if name.removesuffix("_total") not in defined}
    assert {name for name in undefined if name not in of_the_plugin} == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{shown(path)}: {target}"
        for path, text in _prose()
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_says_when_to_look_at_it_again() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:5] for path in decisions] == [f"{n:04d}-" for n in range(1, len(decisions) + 1)]
    assert [path.name for path in decisions if "\nRevisit when" not in path.read_text()] == []


def test_every_decision_says_what_was_rejected() -> None:
    decisions = (ROOT / "docs" / "decisions").glob("*.md")
    assert [path.name for path in decisions if "\n**Rejected.** " not in path.read_text()] == []


def test_every_setting_of_a_service_is_explained() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    named = {
        found for path in python_files("shared", "services") if path.name == "settings.py" for found in _fields(path)
    }
    assert len(named) > 15
    assert sorted(name for name in named if f"`STOPLINE_{name.upper()}`" not in page) == []


def _fields(path: Path) -> list[str]:
    return re.findall(r"^    ([a-z]\w+): (?!ClassVar)", path.read_text(), re.MULTILINE)


def test_make_test_runs_every_tier_there_is() -> None:
    tiers = re.search(r"^TIERS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert tiers
    there = {path.relative_to(ROOT).parts[1] for path in files() if path.relative_to(ROOT).parts[0] == "tests"}
    assert there - {"data", "wire", "conftest.py"} <= set(tiers[1].split())  # these only have what tests share
