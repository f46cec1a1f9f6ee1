"""A clone's stack has a folder, ports and data of its own; what does not fit is refused with what to do."""

import json
import os
import socket
import tempfile
from pathlib import Path

import pytest

from harness.daemon import identity
from harness.daemon.home import StackHome, is_daemon
from harness.daemon.identity import check_identity, write_identity
from harness.daemon.reset import what_is_there, wipe
from harness.daemon.stack_ports import choose_ports, remembered_ports
from harness.machine import temporary_folder, user_folders
from harness.machine.temporary_folder import make_temporary_folder
from harness.machine.user_folders import cache_folder, default_home, make_folder
from harness.processes import HarnessError
from harness.stack.stack import USUAL_PORTS


def quiet(_: str) -> None:
    pass


@pytest.fixture
def home(tmp_path: Path) -> StackHome:
    home = StackHome(tmp_path / "home")
    home.create()
    make_folder(home.data)
    return home


def test_each_clone_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = default_home()
    monkeypatch.setattr(user_folders, "CODE", Path("/srv/another clone/stopline"))
    assert default_home() != mine
    assert default_home().name.startswith("stopline-")


def test_data_of_another_clone_are_refused_with_what_to_do(home: StackHome, monkeypatch: pytest.MonkeyPatch) -> None:
    write_identity(home)
    check_identity(home)
    mine = identity.CODE
    monkeypatch.setattr(identity, "CODE", home.path)
    with pytest.raises(HarnessError, match=f"belong to the clone {mine}, .* STOPLINE_HOME, .* stopline reset"):
        check_identity(home)


def test_data_of_a_clone_that_is_gone_are_taken_over(home: StackHome) -> None:
    home.identity.write_text(json.dumps({"clone": "/no/longer/there"}))
    check_identity(home)


@pytest.mark.parametrize(
    ("written", "named"),
    [({"migrations": ["optout/9999_later.sql"]}, "optout/9999_later.sql"), ({"kafka": "99.0.0"}, "Kafka 99.0.0")],
)
def test_data_of_a_newer_version_are_refused_with_what_to_do(
    home: StackHome, written: dict[str, object], named: str
) -> None:
    home.identity.write_text(json.dumps(written))
    with pytest.raises(HarnessError, match=rf"{named}.* run that version, or begin afresh.* stopline reset"):
        check_identity(home)


def test_free_ports_are_taken_again_at_the_next_start(home: StackHome) -> None:
    first = choose_ports(home, "free", quiet)
    assert set(first.values()).isdisjoint(USUAL_PORTS.values())
    assert choose_ports(home, "usual", quiet) == choose_ports(home, "free", quiet) == first


def test_a_remembered_port_that_is_taken_now_is_named_and_replaced_only_when_asked(home: StackHome) -> None:
    first = choose_ports(home, "free", quiet)
    with socket.create_server(("127.0.0.1", first["sender"])):
        with pytest.raises(HarnessError, match=rf"port {first['sender']} \(sender\).*--free-ports"):
            choose_ports(home, "usual", quiet)
        said: list[str] = []
        second = choose_ports(home, "either", said.append)
    assert [name for name in first if first[name] != second[name]] == ["sender"]
    assert "taking free ports" in said[0]
    assert remembered_ports(home) == second


def test_the_stack_that_has_the_port_is_named_by_its_clone(home: StackHome, monkeypatch: pytest.MonkeyPatch) -> None:
    other = StackHome(home.path.parent / "data" / "other")
    other.create()
    monkeypatch.setattr("harness.daemon.neighbours.homes_folder", lambda: other.path.parent)
    monkeypatch.setattr("harness.daemon.neighbours.is_daemon", lambda _: True)
    mine = choose_ports(home, "free", quiet)
    other.address_book.write_text(
        json.dumps({"pid": 1, "clone": "/srv/other", "sender_url": f"http://127.0.0.1:{mine['sender']}"})
    )
    with (
        socket.create_server(("127.0.0.1", mine["sender"])),
        pytest.raises(HarnessError, match="the stack of /srv/other"),
    ):
        choose_ports(home, "usual", quiet)


def test_a_stack_of_another_version_is_named_and_can_still_be_stopped(
    home: StackHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.daemon.home.is_daemon", lambda pid: pid == 4711)
    home.address_book.write_text(json.dumps({"pid": 4711, "clone": "/srv/here", "kafka_bootstrap": "127.0.0.1:9092"}))
    with pytest.raises(HarnessError, match="another version of Stopline: run `stopline down`, then `stopline up`"):
        home.read_address_book()
    assert home.running_pid() == 4711


def test_reset_removes_what_is_ours_and_nothing_else(home: StackHome) -> None:
    write_identity(home)
    (home.data / "kafka-1" / "topic-0").mkdir(parents=True)
    (home.data / "secrets.json").write_text("{}")
    somebodys = home.path / "notes.txt"
    somebodys.write_text("mine")
    assert str(home.data) in what_is_there(home)
    wipe(home)
    assert list(home.path.rglob("*")) == [somebodys]
    assert what_is_there(home) == ""


def test_another_process_with_the_number_of_an_ended_stack_is_not_taken_for_it() -> None:
    assert not is_daemon(os.getpid())


def test_a_folder_with_a_very_long_path_has_its_control_socket_elsewhere(tmp_path: Path) -> None:
    home = StackHome(tmp_path / ("long-" * 40))
    home.create()
    assert len(os.fsencode(home.control_socket)) < 108
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.control_socket))
    home.control_socket.unlink()
    home.control_socket.parent.rmdir()


def test_without_a_home_the_clone_has_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(user_folders, "CODE", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "not there"))
    assert cache_folder() == tmp_path / ".stopline" / ".cache" / "stopline"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "stopline"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder() == tmp_path / ".cache" / "stopline"


def test_folders_that_postgres_must_get_through_are_open_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    assert {oct((tmp_path / each).stat().st_mode & 0o777) for each in ("a", "a/b")} == {"0o711"}


def test_temporary_folders_are_where_postgres_gets_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temporary_folder, "is_root", lambda: True)
    folder = make_temporary_folder()
    try:
        assert not folder.is_relative_to(tmp_path)
    finally:
        temporary_folder.remove_temporary_folder(folder)
