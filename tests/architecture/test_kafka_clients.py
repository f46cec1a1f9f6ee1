"""Every Kafka client is secured as the settings say: one built elsewhere works until somebody secures their Kafka."""

import ast

from tree import python_files, shown, syntax_tree

CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient"}
BUILDERS = ("shared/kafka.py", "harness/kafka/")  # the harness's Kafka on this machine is not secured
BARE_ADDRESS = (
    "shared/settings.py",
    "harness/stack/",
    "harness/kafka/",
    "harness/daemon/",
    "harness/cli/background.py",
)


def test_clients_are_built_in_one_place() -> None:
    built = [
        shown(path, node.lineno)
        for path in python_files("services", "shared", "harness")
        if not shown(path).startswith(BUILDERS)
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLIENTS
    ]
    assert built == []


def test_a_broker_of_faststream_makes_no_clients_of_its_own() -> None:
    """Its consumers are replaced by ours (`shared/subscription.py`), which are secured."""
    calls = [
        (shown(path, node.lineno), {keyword.arg for keyword in node.keywords})
        for path in python_files("services", "shared", "harness")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "KafkaBroker"
    ]
    assert [where for where, arguments in calls if "consumer_only" not in arguments] == []


def test_nobody_takes_the_bare_address_of_the_settings() -> None:
    taken = [
        shown(path, node.lineno)
        for path in python_files("services", "shared", "harness")
        if not shown(path).startswith(BARE_ADDRESS)
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "kafka_bootstrap"
    ]
    assert taken == []
