"""The deployments as data: docker-compose.yml, the file for many machines, and the manifests of Kubernetes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"
Resource = dict[str, Any]


class ComposeLoader(yaml.SafeLoader):
    """A loader that takes Compose's own tags as what they mark."""


ComposeLoader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def compose_file(name: str) -> Resource:
    read: Resource = yaml.load((ROOT / name).read_text(), ComposeLoader)  # noqa: S506 (a safe loader with a tag more)
    return read


def kustomization(folder: Path) -> Resource:
    read: Resource = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return read


def resources_in(path: Path) -> list[Resource]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def resources_of(folder: Path) -> Iterator[Resource]:
    """Yield what a folder has by itself: neither its patches nor what it builds upon."""
    for name in kustomization(folder)["resources"]:
        if name.endswith(".yaml"):
            yield from resources_in(folder / name)


def pods_of(resources: Iterator[Resource]) -> Iterator[tuple[str, Resource]]:
    """Yield the name and the pod of every Deployment and Job."""
    for each in resources:
        if each["kind"] in {"Deployment", "Job"}:
            yield each["metadata"]["name"], each["spec"]["template"]


def settings_of(pod: Resource, shared: Resource) -> set[str]:
    """Return the names of all settings that a pod gets, but for those of its Secret of Kafka."""
    (container,) = pod["spec"]["containers"]
    own = {each["name"] for each in container.get("env", ())}
    has_shared = any("configMapRef" in each for each in container.get("envFrom", ()))
    return own | set(shared["data"] if has_shared else ())
