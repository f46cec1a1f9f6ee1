"""The files that running Kafka needs: Java, the jars, a class archive for a quick start, a bootstrap checkpoint."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness.machine.user_folders import cache_folder

_HERE = Path(__file__).parent
POM = _HERE / "pom.xml"


def kafka_version() -> str:
    found = re.search(r"<kafka.version>(.+?)<", POM.read_text())
    assert found is not None  # noqa: S101 (the pom is ours)
    return found.group(1)


def kafka_home() -> Path:
    """Return the cache folder of exactly these jars: another pom.xml has another folder."""
    return cache_folder() / f"kafka-{kafka_version()}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:8]}"


def java_environment() -> dict[str, str]:
    """Return our environment with a locale in which Java opens files whose names are not ASCII."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class KafkaRuntime:
    """The Java that runs Kafka, and Kafka's files in the cache."""

    java: Path
    home: Path

    @property
    def jars_folder(self) -> Path:
        return self.home / "jars"

    @property
    def bootstrap_checkpoint(self) -> Path:
        """The file that formatting writes, the same for every node of this version."""
        return self.home / "bootstrap.checkpoint"

    @property
    def class_archive(self) -> Path:
        """The loaded classes of a broker, as this very Java wrote them (JVM: class data sharing)."""
        real = self.java.resolve()
        identity = f"{real} {real.stat().st_size} {real.stat().st_mtime_ns}"
        return self.home / f"broker-{hashlib.sha256(identity.encode()).hexdigest()[:8]}.jsa"

    @property
    def is_complete(self) -> bool:
        return self.jars_folder.is_dir() and self.bootstrap_checkpoint.is_file() and self.class_archive.is_file()

    def command(
        self, main_class: str, *arguments: str, options: tuple[str, ...] = (), log4j: str = "log4j2"
    ) -> list[str]:
        """Return the command line that runs one of Kafka's classes."""
        jars = sorted(str(jar) for jar in self.jars_folder.glob("*.jar"))
        archive = (f"-XX:SharedArchiveFile={self.class_archive}",) if self.class_archive.is_file() else ()
        return [
            str(self.java),
            *archive,
            *options,
            # no warning about an archive that does not fit: it would be in a tool's output
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
            f"-Dlog4j2.configurationFile={_HERE / f'{log4j}.properties'}",
            # in this order and in full: an archive is valid only for the class path that it was made with
            "-cp",
            ":".join(jars),
            main_class,
            *arguments,
        ]
