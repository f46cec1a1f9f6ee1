"""The file for many machines differs from docker-compose.yml in what it must, and in nothing else."""

import pytest
from manifests import Resource, compose_file

ONE, MANY = compose_file("docker-compose.yml")["services"], compose_file("deploy/compose.many.yml")["services"]
NODES = ("kafka-2", "kafka-3")
BOOTSTRAP = "kafka:29092,kafka-2:29092,kafka-3:29092"
OF_ONE_NODE = {
    "KAFKA_NODE_ID",
    "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_CONTROLLER_QUORUM_VOTERS",
    "KAFKA_LISTENERS",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR",
}


def test_whoever_uses_kafka_knows_all_nodes_and_keeps_three_copies() -> None:
    users = {name for name, service in ONE.items() if "STOPLINE_KAFKA_BOOTSTRAP" in service.get("environment", ())}
    settings = {"STOPLINE_KAFKA_BOOTSTRAP": BOOTSTRAP, "STOPLINE_REPLICATION_FACTOR": "3"}
    assert {name for name, service in MANY.items() if service.get("environment") == settings} == users


@pytest.mark.parametrize("name", NODES)
def test_a_node_is_as_the_first_one(name: str) -> None:
    def rest(service: Resource) -> Resource:
        return {key: each for key, each in service.items() if key not in {"environment", "volumes", "ports"}}

    def settings(service: Resource) -> Resource:
        return {key: each for key, each in service["environment"].items() if key not in OF_ONE_NODE}

    assert rest(MANY[name]) == rest(ONE["kafka"])
    assert settings(MANY[name]) == settings(ONE["kafka"])


def test_every_node_is_another_one_and_all_have_one_quorum() -> None:
    nodes = [ONE["kafka"]["environment"] | MANY["kafka"]["environment"], *(MANY[name]["environment"] for name in NODES)]
    assert [node["KAFKA_NODE_ID"] for node in nodes] == [1, 2, 3]
    assert len({node["KAFKA_ADVERTISED_LISTENERS"] for node in nodes}) == 3
    assert len({node["KAFKA_CONTROLLER_QUORUM_VOTERS"] for node in nodes}) == 1
    assert {node["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] for node in nodes} == {2}


def test_instances_that_are_scaled_share_no_port() -> None:
    scaled = {name for name, service in MANY.items() if service.get("scale", 1) > 1}
    assert scaled == {"optout", "sender", "api"}
    assert not [name for name in scaled - {"api"} if "ports" in ONE[name]]
    assert "8182-8183" in MANY["api"]["ports"][0]
