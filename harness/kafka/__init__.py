"""Apache Kafka on this machine: its jars and a quick start."""

from harness.kafka.cluster import KafkaCluster

__all__ = ["KafkaCluster"]
