"""What the containers may do, and what is in the image."""

import pytest
from compose_project import ComposeProject, image_history

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

RUNNING = ("inbound", "optout", "api", "links", "poll", "smpp", "sender", "dashboard", "sandbox", "phones")
OURS = (*RUNNING, "topics", "tables")


@pytest.mark.parametrize("service", RUNNING)
def test_a_service_is_not_root_and_cannot_write_to_its_image(compose: ComposeProject, service: str) -> None:
    assert compose.exec(service, "id", "-u").strip() == "10001"
    tried = compose.exec(service, "sh", "-c", "touch /opt/stopline/x 2>&1; touch /x 2>&1", check=False)
    assert tried.count("Read-only file system") == 2, tried


@pytest.mark.parametrize("service", OURS)
def test_a_service_has_no_capabilities_and_limits_on_what_it_uses(compose: ComposeProject, service: str) -> None:
    host = compose.containers()[service]["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert 0 < host["PidsLimit"] <= 256
    assert service in {"topics", "tables"} or 0 < host["Memory"] <= 2**30


def test_ports_are_reached_from_this_machine_only(compose: ComposeProject) -> None:
    bindings = [
        binding["HostIp"]
        for container in compose.containers().values()
        for bound in (container["HostConfig"]["PortBindings"] or {}).values()
        for binding in bound
    ]
    assert set(bindings) == {"127.0.0.1"}


def test_no_secret_is_in_the_image(compose: ComposeProject) -> None:
    published = image_history(compose.image)
    assert "STOPLINE_" not in published
    secrets = {name: secret for name, secret in compose.settings.items() if secret}  # the address of links may be empty
    assert len(secrets) > 5
    assert not [name for name, secret in secrets.items() if secret in published]
    hidden = "find / -xdev ( -name .env -o -name .git -o -name *.pem -path /opt/* ) -not -path */certifi/*"
    assert compose.exec("inbound", *hidden.split(), check=False).split() == []


def test_each_database_is_closed_to_the_others_role(compose: ComposeProject) -> None:
    password = compose.settings["STOPLINE_OPTOUT_DATABASE_PASSWORD"]
    query = ("psql", "-tAc", "SELECT current_user")
    own = compose.exec("postgres", *query, f"postgresql://optout:{password}@127.0.0.1/optout", check=False)
    other = compose.exec("postgres", *query, f"postgresql://optout:{password}@127.0.0.1/sender", check=False)
    assert (own.strip(), other.strip()) == ("optout", "")


def test_a_topic_that_nobody_made_is_not_made_by_asking_for_it(compose: ComposeProject) -> None:
    published = compose.run("exec", "-T", "kafka", "bash", "-c", "env | grep AUTO_CREATE")
    assert published.strip() == "KAFKA_AUTO_CREATE_TOPICS_ENABLE=false"


@pytest.mark.parametrize("service", ["kafka", "postgres"])
def test_a_server_is_not_root_and_writes_to_its_data_only(compose: ComposeProject, service: str) -> None:
    host = compose.containers()[service]["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (True, ["ALL"], None)
    assert compose.exec(service, "id", "-u").strip() != "0"
    tried = compose.exec(service, "sh", "-c", "touch /etc/x 2>&1; touch /usr/x 2>&1", check=False)
    assert tried.count("Read-only file system") == 2, tried


def test_only_what_has_to_be_reached_is_published(compose: ComposeProject) -> None:
    published = {name for name, about in compose.containers().items() if about["HostConfig"]["PortBindings"]}
    assert published == {"kafka", "inbound", "api", "links", "dashboard", "sandbox", "phones"}


@pytest.mark.parametrize(
    ("service", "place", "is_reached"),
    [
        ("optout", "postgres/5432", True),
        ("inbound", "kafka/29092", True),
        ("inbound", "postgres/5432", False),
        ("kafka", "postgres/5432", False),
        ("sandbox", "postgres/5432", False),
        ("optout", "1.1.1.1/53", False),
    ],
)
def test_a_service_reaches_what_it_needs_and_not_the_rest(
    compose: ComposeProject,
    service: str,
    place: str,
    is_reached: bool,  # noqa: FBT001 (a case of the test)
) -> None:
    connecting = f"timeout 3 bash -c 'exec 3<>/dev/tcp/{place}' 2>/dev/null && echo reached"
    assert ("reached" in compose.exec(service, "bash", "-c", connecting, check=False)) == is_reached


def test_the_pipelines_role_cannot_change_what_was_decided(compose: ComposeProject) -> None:
    password = compose.settings["STOPLINE_OPTOUT_PIPELINE_PASSWORD"]
    address = f"postgresql://optout_pipeline:{password}@127.0.0.1/optout"
    tried = compose.exec("postgres", "sh", "-c", f"psql '{address}' -c 'DELETE FROM decisions' 2>&1", check=False)
    assert "permission denied for table decisions" in tried
