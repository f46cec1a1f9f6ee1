"""Each process has a folder of its own for its snapshot, also where several are given the same one."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import MisconfiguredError
from shared.suppressions import folder as folders
from shared.suppressions.folder import own_cache_folder

HOLDS_IT = """
import sys, time
from pathlib import Path
from shared.suppressions.folder import own_cache_folder
with own_cache_folder(Path(sys.argv[1]), "STOPLINE_CACHE_DIR") as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def test_several_get_different_folders_and_the_next_one_that_is_free(tmp_path: Path) -> None:
    with own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR") as first:
        with own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR") as second:
            assert (first, second) == (tmp_path, tmp_path / "instance-2")
        with own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR") as again:
            assert again == second


def test_a_process_that_is_killed_leaves_its_folder_free(tmp_path: Path) -> None:
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDS_IT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert held.stdout is not None
    assert held.stdout.readline().strip() == str(tmp_path)
    with own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR") as beside:
        assert beside == tmp_path / "instance-2"
    held.kill()
    held.communicate()
    with own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR") as mine:
        assert mine == tmp_path


def test_a_folder_that_cannot_be_used_names_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    with (
        pytest.raises(MisconfiguredError, match=r"^STOPLINE_CACHE_DIR: "),
        own_cache_folder(file, "STOPLINE_CACHE_DIR"),
    ):
        pass
    monkeypatch.setattr(folders, "_INSTANCES", 1)
    with (
        own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR"),
        pytest.raises(MisconfiguredError, match="1 processes use it already"),
        own_cache_folder(tmp_path, "STOPLINE_CACHE_DIR"),
    ):
        pass
