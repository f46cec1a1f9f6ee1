"""Prepares Kafka once per user and Java: jars, a bootstrap checkpoint, an archive of loaded classes."""

import asyncio
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.install import ensure_java, java_candidates
from harness.kafka.cluster import KafkaCluster
from harness.kafka.jars import fetch_jars
from harness.kafka.properties import NodePorts, node_properties
from harness.kafka.runtime import KafkaRuntime, java_environment, kafka_home
from harness.kafka.storage import new_kafka_id
from harness.kafka.warm_up import use_every_path
from harness.machine.file_lock import FileLock
from harness.machine.ports import free_ports, release_ports
from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder
from harness.machine.user_folders import make_folder
from harness.processes import StartError
from harness.say import Say

_FORMAT_SECONDS = 120


async def prepare_kafka(say: Say) -> KafkaRuntime:
    """Return a Kafka that can be started; a user's first call takes long and reports each step.

    Raises:
        MissingProgramError: Java or Maven are missing and cannot be installed.
        StartError: the jars could not be fetched, or Kafka does not run here.
    """
    if (prepared := prepared_kafka()) is not None:
        return prepared
    home = kafka_home()
    runtime = KafkaRuntime(await ensure_java(say), home)
    async with FileLock(home.with_suffix(".lock"), lambda: say("another process gets Kafka ready: waiting for it")):
        await _complete(runtime, say)
    return runtime


def prepared_kafka() -> KafkaRuntime | None:
    """Return the Kafka that an earlier `prepare_kafka` made; None where there is none."""
    # A class archive was made by this very Java, so its version was checked then.
    known = (KafkaRuntime(java, kafka_home()) for java in java_candidates())
    return next((each for each in known if each.is_complete), None)


async def _complete(runtime: KafkaRuntime, say: Say) -> None:
    if not runtime.jars_folder.is_dir():
        make_folder(runtime.home)
        await fetch_jars(runtime.jars_folder, say)
    if not runtime.bootstrap_checkpoint.is_file():
        await asyncio.to_thread(_make_bootstrap_checkpoint, runtime)
    if not runtime.class_archive.is_file():
        say("running Kafka once, so that it starts in two seconds from now on (takes ten, once)")
        await _make_class_archive(runtime)


def _make_bootstrap_checkpoint(runtime: KafkaRuntime) -> None:
    """Let Kafka format a folder, and keep the file that lists the features of a new cluster."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch, "settings")
        properties = node_properties(1, {1: NodePorts(1, 2)}, Path(scratch, "node"))
        settings.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        command = runtime.command("kafka.tools.StorageTool", "format", "-t", new_kafka_id(), "-c", str(settings))
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False, env=java_environment()
        )
        if done.returncode:
            raise StartError(f"Kafka could not format its storage: {(done.stderr or done.stdout)[-2000:]}")
        _put(Path(scratch, "node", "bootstrap.checkpoint"), runtime.bootstrap_checkpoint)


async def _make_class_archive(runtime: KafkaRuntime) -> None:
    scratch = make_temporary_folder()
    ports = free_ports(2)
    archive = scratch / "classes.jsa"
    kafka = KafkaCluster(runtime, scratch, [NodePorts(*ports)], more_options=(f"-XX:ArchiveClassesAtExit={archive}",))
    try:
        await kafka.start()
        await use_every_path(kafka.bootstrap)
        await kafka.stop()
        if not archive.is_file():
            raise kafka.nodes[0].start_error("wrote no class archive at its end")
        _put(archive, runtime.class_archive)
    finally:
        await kafka.kill()
        release_ports(ports)
        remove_temporary_folder(scratch)


def _put(made: Path, final: Path) -> None:
    """Copy a file, all of it or nothing."""
    partial = final.with_suffix(".partial")
    shutil.copyfile(made, partial)
    partial.rename(final)
