"""What the containers may do, and what is in the image."""

import pytest
from compose_project import ComposeProject, image_history

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

OURS = ("inbound", "optout", "api", "sender", "sandbox", "topics")
RUNNING = ("inbound", "optout", "api", "sender", "sandbox")


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
    assert service == "topics" or 0 < host["Memory"] <= 2**30


def test_ports_are_reached_from_this_machine_only(compose: ComposeProject) -> None:
    bindings = [
        binding["HostIp"]
        for container in compose.containers().values()
        for bound in (container["HostConfig"]["PortBindings"] or {}).values()
        for binding in bound
    ]
    assert set(bindings) == {"127.0.0.1"}


def test_no_secret_is_in_the_image(compose: ComposeProject) -> None:
    told = image_history(compose.image)
    assert "STOPLINE_" not in told
    assert not [name for name, secret in compose.settings.items() if secret in told]
    hidden = "find / -xdev ( -name .env -o -name .git -o -name *.pem -path /opt/* ) -not -path */certifi/*"
    assert compose.exec("inbound", *hidden.split(), check=False).split() == []


def test_each_database_is_closed_to_the_others_role(compose: ComposeProject) -> None:
    password = compose.settings["STOPLINE_OPTOUT_DATABASE_PASSWORD"]
    query = ("psql", "-tAc", "SELECT current_user")
    own = compose.exec("postgres", *query, f"postgresql://optout:{password}@127.0.0.1/optout", check=False)
    other = compose.exec("postgres", *query, f"postgresql://optout:{password}@127.0.0.1/sender", check=False)
    assert (own.strip(), other.strip()) == ("optout", "")


def test_a_topic_that_nobody_made_is_not_made_by_asking_for_it(compose: ComposeProject) -> None:
    told = compose.run("exec", "-T", "kafka", "bash", "-c", "env | grep AUTO_CREATE")
    assert told.strip() == "KAFKA_AUTO_CREATE_TOPICS_ENABLE=false"
