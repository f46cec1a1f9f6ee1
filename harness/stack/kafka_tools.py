"""Kafka's own command-line tools, run from the jars."""

from collections.abc import Sequence

from harness.kafka.prepare import prepared_kafka
from harness.processes import HarnessError

_CLASSES = {
    "broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "configs": "kafka.admin.ConfigCommand",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "storage": "kafka.tools.StorageTool",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
}
_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def tool_command(tool: str, arguments: Sequence[str] = ()) -> list[str]:
    """Return the command line of a tool, named as in Kafka's `bin` folder: `kafka-topics`, or `topics` for short.

    Raises:
        HarnessError: there is no such tool, or Kafka's jars are not here yet.
    """
    name = tool.removesuffix(".sh").removeprefix("kafka-")
    if name not in _CLASSES:
        raise HarnessError(f"Kafka has no tool {tool!r} here; there are {', '.join(_CLASSES)}")
    kafka = prepared_kafka()
    if kafka is None:
        raise HarnessError(
            "Kafka's tools come with the embedded Kafka, which is not on this machine yet: "
            "STOPLINE_BACKEND=embedded stopline up"
        )
    return kafka.command(_CLASSES[name], *arguments, options=_OPTIONS, log4j="tools-log4j2")
