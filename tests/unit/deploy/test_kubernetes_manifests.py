"""The manifests are valid, harden what they run, and have all settings and services that Compose has."""

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from manifests import (
    KUBERNETES,
    ROOT,
    Resource,
    compose_file,
    kustomization,
    pods_of,
    resources_in,
    resources_of,
    settings_of,
)

BASE = KUBERNETES / "base"
OVERLAYS = sorted(path.parent for path in (KUBERNETES / "overlays").glob("*/kustomization.yaml"))
PARTITIONS = KUBERNETES / "partitions"
FOLDERS = [BASE, *OVERLAYS, PARTITIONS]
PODS = [pod for folder in (BASE, *OVERLAYS) for pod in pods_of(resources_of(folder))]
((_, PARTITIONS_POD),) = pods_of(resources_of(PARTITIONS))
DEPLOYMENTS = [each for each in resources_of(BASE) if each["kind"] == "Deployment"]
SERVERS = {"kafka", "postgres", "prometheus", "grafana"}
"""Run by others in a cluster: by operators of theirs, or as managed services."""
VERSIONS = ("1.30", "1.37")
"""The oldest that a cluster may have, and the newest that the checker knows."""


def by_name(pods: list[tuple[str, Resource]]) -> list[object]:
    return [pytest.param(pod, id=name) for name, pod in pods]


def shared_settings() -> Resource:
    return next(each for each in resources_in(BASE / "settings.yaml") if each["kind"] == "ConfigMap")


def built(folder: Path) -> list[Resource]:
    """Return what is applied, by Kustomize itself."""
    if shutil.which("kustomize"):
        command = ["kustomize", "build", str(folder)]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize", str(folder)]
    else:
        pytest.skip("there is neither kustomize nor kubectl here: what the folders list is checked all the same")
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return [each for each in yaml.safe_load_all(text) if each]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_resource_is_one_that_kubernetes_takes(folder: Path, version: str) -> None:
    for resource in resources_of(folder):
        kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_an_overlay_is_built_and_what_it_builds_is_valid(folder: Path) -> None:
    resources = built(folder)
    for resource in resources:
        kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)
    base = {(each["kind"], each["metadata"]["name"]) for each in resources_of(BASE)}
    assert base <= {(each["kind"], each["metadata"]["name"]) for each in resources}
    images = {pod["spec"]["containers"][0]["image"] for _, pod in pods_of(iter(resources))}
    assert len(images) == 1, images
    assert ":" in images.pop()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_listed_and_every_listed_one_is_there(folder: Path) -> None:
    read = kustomization(folder)
    listed = {*read["resources"], *(each["path"] for each in read.get("patches", ()))}
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert {name for name in listed if name.endswith(".yaml")} == files
    assert all((folder / name).exists() for name in listed)


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_a_patch_is_about_something_that_there_is(folder: Path) -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in resources_of(BASE)}
    for patch in kustomization(folder)["patches"]:
        for each in resources_in(folder / patch["path"]):
            assert (each["kind"], each["metadata"]["name"]) in there


def test_services_of_compose_are_those_of_the_manifests() -> None:
    assert {name for name, _ in PODS} == set(compose_file("docker-compose.yml")["services"]) - SERVERS


@pytest.mark.parametrize("pod", by_name(PODS))
def test_a_pod_has_every_setting_that_compose_gives_its_service(pod: Resource) -> None:
    name = pod["spec"]["containers"][0]["name"]
    given = set(compose_file("docker-compose.yml")["services"][name].get("environment", ()))
    assert given <= settings_of(pod, shared_settings())


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`(STOPLINE_[A-Z0-9_]+)", (ROOT / "docs" / "settings.md").read_text()))
    named = {
        setting
        for path in KUBERNETES.rglob("*.yaml")
        for setting in re.findall(r"\bSTOPLINE_[A-Z0-9_]+", path.read_text())
    }
    assert named
    assert named <= documented, named - documented


@pytest.mark.parametrize("pod", by_name([*PODS, ("partitions", PARTITIONS_POD)]))
def test_a_pod_may_do_nothing_but_its_work(pod: Resource) -> None:
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert container["resources"]["limits"] == {"memory": container["resources"]["requests"]["memory"]}


@pytest.mark.parametrize("resource", DEPLOYMENTS, ids=lambda each: each["metadata"]["name"])
def test_a_deployment_is_probed_spread_and_drained_one_by_one(resource: Resource) -> None:
    name, spec = resource["metadata"]["name"], resource["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    probed = {each: container[each]["httpGet"]["path"] for each in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probed == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    budgets = [each for each in resources_of(BASE) if each["kind"] == "PodDisruptionBudget"]
    budget = [each for each in budgets if each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] == name]
    if spec["replicas"] == 1:
        assert spec["strategy"] == {"type": "Recreate"}
        assert not budget
    else:
        spread = {each["topologyKey"] for each in spec["template"]["spec"]["topologySpreadConstraints"]}
        assert spread == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        assert [each["spec"]["maxUnavailable"] for each in budget] == [1]


def test_only_what_compose_lets_out_or_to_a_database_gets_there() -> None:
    """The labels that network policies go by are the networks of Compose."""
    services = compose_file("docker-compose.yml")["services"]
    labels = {
        "events": "stopline/reaches-kafka",
        "databases": "stopline/reaches-postgres",
        "outside": "stopline/reaches-outside",
    }
    for name, pod in PODS:
        wanted = {labels[network] for network in services[name]["networks"] if network in labels}
        if name == "dashboard":  # all have its network; it alone asks the others
            wanted.add("stopline/reaches-services")
        assert {label for label in pod["metadata"]["labels"] if label.startswith("stopline/")} == wanted, name


def test_the_job_that_adds_partitions_reaches_what_it_changes() -> None:
    assert {label for label in PARTITIONS_POD["metadata"]["labels"] if label.startswith("stopline/")} == {
        "stopline/reaches-kafka",
        "stopline/reaches-postgres",
    }
    (container,) = PARTITIONS_POD["spec"]["containers"]
    assert container["args"][:2] == ["partitions", "change"]
    wanted = {"STOPLINE_OPTOUT_DATABASE_URL", "STOPLINE_SENDER_DATABASE_URL", "STOPLINE_REPLICATION_FACTOR"}
    assert wanted <= settings_of(PARTITIONS_POD, shared_settings())


def test_no_secret_is_in_a_file() -> None:
    for path in KUBERNETES.rglob("*.yaml"):
        assert "kind: Secret\n" not in path.read_text()
    secret = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|DATABASE_URL|MIGRATION_URL)(_PREVIOUS)?$")
    values = [
        each["name"]
        for _, pod in PODS
        for each in pod["spec"]["containers"][0].get("env", ())
        if secret.search(each["name"]) and "valueFrom" not in each
    ]
    assert not values
