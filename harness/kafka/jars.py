"""Kafka's jars: fetched once per user by Maven, into the cache."""

import asyncio
import os
import pwd
import re
import shutil
import tempfile
from pathlib import Path

from harness.install import ensure_maven
from harness.kafka.runtime import POM, java_environment, kafka_version
from harness.machine.user_folders import cache_folder, is_writable
from harness.processes import ManagedProcess, StartError
from harness.say import Say

_ATTEMPTS = 3
_ATTEMPT_SECONDS = 900.0
_PROGRESS_SECONDS = 5.0


async def fetch_jars(folder: Path, say: Say) -> None:
    """Create `folder` with all jars; it appears only when it is complete.

    Raises:
        StartError: Maven failed three times.
        MissingProgramError: there is no Maven and it cannot be installed.
    """
    maven = await ensure_maven(say)
    say(f"fetching Apache Kafka {kafka_version()} with Maven (45 MB, once)")
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix="jars-"))
    try:
        await _fetch(maven, partial, folder.parent / "maven.log", say)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


async def _fetch(maven: Path, folder: Path, log_path: Path, say: Say) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        fetching = ManagedProcess(
            "Maven",
            [
                maven,
                *("-B", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"),
                *_repository(),
            ],
            log_path=log_path,
            env=java_environment(),
            cwd=folder.parent,
        )
        fetching.start()
        if await _wait(fetching, say) == 0:
            return
        if attempt < _ATTEMPTS:
            say(f"Maven failed (see {log_path}); trying again")
    raise fetching.start_error(f"could not fetch Kafka's jars in {_ATTEMPTS} attempts")


def _repository() -> list[str]:
    """Return the option that has Maven keep its files in our cache where it cannot keep them in the user's home.

    Java takes the home from the list of users, whatever HOME says.
    """
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        home = Path("/nonexistent")
    usual = home / ".m2"
    if is_writable(usual) or (is_writable(home) and not usual.exists()):
        return []
    return [f"-Dmaven.repo.local={cache_folder() / 'maven'}"]


async def _wait(fetching: ManagedProcess, say: Say) -> int:
    """Return the exit code; reports the progress from time to time."""
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            while True:
                try:
                    return await fetching.wait_exit(_PROGRESS_SECONDS)
                except TimeoutError:
                    if not fetching.alive:
                        continue
                    fetched = len(re.findall(r"Downloaded.*\.jar", fetching.log_tail(lines=10_000)))
                    say(f"  {fetched} files so far")
    except TimeoutError:
        raise StartError(f"Maven did not end within {_ATTEMPT_SECONDS} s; its log is {fetching.log_path}") from None
    finally:
        fetching.kill()
