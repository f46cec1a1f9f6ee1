"""The pytest plugin: `stopline`, one stack per run, and `stopline_account`, a new account per test."""

import json
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from stopline_pytest.account import Account
from stopline_pytest.addresses import Addresses
from stopline_pytest.asynchronous import AsyncAccount, AsyncStopline
from stopline_pytest.command import find_command, run_command
from stopline_pytest.driver import Stopline
from stopline_pytest.errors import StoplineError
from stopline_pytest.lifeline import LOG, Lifeline, stack_of
from stopline_pytest.options import Options, add_options, options_of

_LIFELINE = pytest.StashKey[Lifeline]()
_ACCOUNTS = pytest.StashKey[list[Account]]()
_STATUS_SECONDS = 60.0
_WORKER_INPUT = "stopline_folder"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each xdist worker the folder of the one stack that they share."""
    node.workerinput[_WORKER_INPUT] = str(_lifeline(node.config).folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    lifeline = config.stash.get(_LIFELINE, None)
    if lifeline is not None:
        lifeline.release()


def _lifeline(config: pytest.Config) -> Lifeline:
    if _LIFELINE not in config.stash:
        config.stash[_LIFELINE] = Lifeline()
    return config.stash[_LIFELINE]


def _folder(config: pytest.Config) -> Path:
    shared = getattr(config, "workerinput", {}).get(_WORKER_INPUT)
    return Path(shared) if shared else _lifeline(config).folder


@pytest.fixture(scope="session")
def stopline(request: pytest.FixtureRequest) -> Iterator[Stopline]:
    """A running stack, one for the whole run: Kafka, Postgres, the services, and a sandbox carrier with phones."""
    try:
        options = options_of(request.config)
        opened = Stopline(_addresses(request.config, options), timeout_seconds=options.timeout_seconds)
        opened.open()
    except StoplineError as error:
        pytest.fail(f"stopline: {error}", pytrace=False)
    yield opened
    opened.close()


def _addresses(config: pytest.Config, options: Options) -> Addresses:
    """Return the addresses of the stack that the options choose, which runs then."""
    match options.stack:
        case "external":
            return Addresses.read(options.addresses) if options.addresses else Addresses.from_environment()
        case "running":
            shown = run_command(find_command(options.command), "status", "--json", seconds=_STATUS_SECONDS)
            return Addresses.parse(json.loads(shown))
        case _:
            command, folder = _starting_command(options), _folder(config)
            _say(config, f"starting the stack (its log: {folder / LOG})")
            return stack_of(folder, command, options.start_seconds)


def _starting_command(options: Options) -> list[str]:
    """Return the command that knows `up`, `status` and `reset`: Stopline's, or ours for containers."""
    if options.stack == "containers":
        image = ["--image", options.image] if options.image else []
        return [sys.executable, "-m", "stopline_pytest.containers", *image]
    return find_command(options.command)


def _say(config: pytest.Config, text: str) -> None:
    """Show a line to whoever looks at the terminal: a first start takes minutes."""
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if capture is not None and reporter is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"stopline: {text}")


@pytest.fixture
def stopline_account(stopline: Stopline, request: pytest.FixtureRequest) -> Iterator[Account]:
    """A new account: what other tests do in theirs does not reach it."""
    account = stopline.account()
    accounts: list[Account] = request.node.stash.setdefault(_ACCOUNTS, [])
    accounts.append(account)
    yield account
    account.close()


@pytest.fixture(scope="session")
def async_stopline(stopline: Stopline) -> AsyncStopline:
    """The same stack for `async def` tests, whatever runs them: pytest-asyncio, anyio, trio."""
    return AsyncStopline(stopline)


@pytest.fixture
def async_stopline_account(stopline_account: Account) -> AsyncAccount:
    """The test's account for `async def` tests."""
    return AsyncAccount(stopline_account)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what happened in the test's account below a failure whose text does not show it itself."""
    report = yield
    if report.when == "call" and report.failed:
        for account in item.stash.get(_ACCOUNTS, []):
            if f"account {account.account_id}:" not in report.longreprtext:
                report.sections.append((f"stopline: account {account.account_id}", account.report()))
    return report
