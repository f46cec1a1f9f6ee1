"""Java and Maven, which the embedded Kafka needs: finds them, installs them as root, or names the command that does."""

import asyncio
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.processes import HarnessError
from harness.say import Say

JAVA_VERSION = 17
_APT_SECONDS = 600
_VERSION_SECONDS = 30
_PROGRAMS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    # Debian's and Ubuntu's releases have one or the other, and a default that may be older than both
    "java": (
        f"Java {JAVA_VERSION} or newer",
        {
            "apt-get": ("openjdk-21-jre-headless", "openjdk-17-jre-headless", "default-jre-headless"),
            "brew": ("openjdk",),
            "dnf": ("java-21-openjdk-headless",),
        },
    ),
    "mvn": ("Maven", {"apt-get": ("maven",), "brew": ("maven",), "dnf": ("maven",)}),
}


class MissingProgramError(HarnessError):
    """A program is missing and cannot be installed without asking; the text has the command that installs it."""


def find_java() -> Path | None:
    """Return the `java` to use, of JAVA_HOME or else of the path; None where it is not new enough."""
    return next((java for java in java_candidates() if _java_version(java) >= JAVA_VERSION), None)


def java_candidates() -> list[Path]:
    """Return every `java` on this machine, of any version, the preferred one first."""
    homes = [os.environ["JAVA_HOME"]] if os.environ.get("JAVA_HOME") else []
    # Homebrew links its Java nowhere
    homes += ["/opt/homebrew/opt/openjdk", "/usr/local/opt/openjdk"] if platform.system() == "Darwin" else []
    on_path = shutil.which("java")
    candidates = [Path(home, "bin", "java") for home in homes] + ([Path(on_path)] if on_path else [])
    return [java for java in candidates if java.is_file()]


def _java_version(java: Path) -> int:
    """Return the major version; 0 where there is none (on macOS, `java` may be a stub)."""
    try:
        said = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else 0


def find_maven() -> Path | None:
    found = shutil.which("mvn")
    return Path(found) if found else None


def can_install() -> bool:
    """Return whether we can install programs without asking: as root, with apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


async def ensure_java(say: Say) -> Path:
    """Return Java, after installing it where that is needed and possible.

    Raises:
        MissingProgramError: it is missing and cannot be installed.
    """
    return await asyncio.to_thread(_ensure, "java", find_java, say)


async def ensure_maven(say: Say) -> Path:
    """Return Maven, after installing it where that is needed and possible.

    Raises:
        MissingProgramError: it is missing and cannot be installed.
    """
    return await asyncio.to_thread(_ensure, "mvn", find_maven, say)


def _ensure(program: str, find: Callable[[], Path | None], say: Say) -> Path:
    if (found := find()) is not None:
        return found
    if not can_install():
        raise MissingProgramError(how_to_install(program))
    title, packages = _PROGRAMS[program]
    say(f"installing {title} with apt-get")
    _apt_get("update", "-qq")
    package = _known_to_apt(packages["apt-get"])
    _apt_get("install", "-qqy", "--no-install-recommends", package)
    if (found := find()) is None:
        raise MissingProgramError(f"apt-get installed {package}, but that is not {title}")
    return found


def _known_to_apt(packages: tuple[str, ...]) -> str:
    """Return the first package that this release of the system has, else the last."""
    known = (package for package in packages if _succeeds("apt-cache", "show", package))
    return next(known, packages[-1])


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_VERSION_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        # another apt-get may be at work: wait for it rather than fail
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_APT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise MissingProgramError(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-500:]}")


def how_to_install(program: str) -> str:
    """Return one line: what is missing, and the command for this platform."""
    title, packages = _PROGRAMS[program]
    prefix = {"apt-get": "sudo apt-get install -y", "dnf": "sudo dnf install -y", "brew": "brew install"}
    managers = ["brew"] if platform.system() == "Darwin" else ["apt-get", "dnf"]
    manager = next((name for name in managers if shutil.which(name)), None)
    if manager is None:
        return f"{title} is missing: install it (`{program}` must be on the path)"
    package = _known_to_apt(packages[manager]) if manager == "apt-get" else packages[manager][0]
    return f"{title} is missing: {prefix[manager]} {package}"
