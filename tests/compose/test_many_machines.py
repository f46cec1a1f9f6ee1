"""Three Kafka nodes and several instances of each service: an opt-out holds whichever of them was just killed."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import httpx
import pytest
from compose_project import ComposeProject

from harness.account import Account
from harness.client import ApiClient, create_account, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from shared.events.delivery import AnyDeliveryEvent
from shared.events.outbound import MessageRequested
from shared.kafka import new_admin
from shared.settings import KafkaSettings
from shared.topics import INBOUND_MESSAGES, differences

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

NUMBER = "+14155550199"
PHONES = (f"+1415556{number:04}" for number in count())
OUTCOME_SECONDS = 90.0


@dataclass(frozen=True)
class Chain:
    """A business with one list, whose requests go through the deployment."""

    compose: ComposeProject
    account: Account
    list_id: int

    @property
    def bootstrap(self) -> str:
        ports = self.compose.ports["KAFKA"], *(self.compose.more[f"STOPLINE_KAFKA_{node}_PORT"] for node in (2, 3))
        return ",".join(f"localhost:{port}" for port in ports)

    async def send(self, *phones: str) -> list[AnyDeliveryEvent]:
        """Request a message to each phone; return what became of them."""
        requests = [
            MessageRequested(
                account_id=self.account.account_id,
                message_id=uuid4().hex,
                list_id=self.list_id,
                phone=phone,
                sender_number=NUMBER,
                body="20% off today. Reply STOP to opt out.",
            )
            for phone in phones
        ]
        async with follow_delivery_events(self.bootstrap) as events:
            await produce(self.bootstrap, requests)
            return [
                await events.of_message(
                    each.message_id, "message_sent", "message_suppressed", timeout_seconds=OUTCOME_SECONDS
                )
                for each in requests
            ]

    async def reply_stop(self, phone: str) -> None:
        """Post what ClickSend posts, as it does: again and again until it is accepted."""
        form = {
            "from": phone, "to": NUMBER, "body": "Stop", "original_body": "", "original_message_id": "",
            "message_id": str(uuid4()).upper(), "timestamp": str(int(time.time())), "custom_string": "",
        }  # fmt: skip
        async with httpx.AsyncClient(timeout=30) as http:
            deadline = time.monotonic() + OUTCOME_SECONDS
            while (answer := await http.post(self.account.webhook_url, data=form)).status_code != 200:
                assert time.monotonic() < deadline, answer.text


def api_urls(compose: ComposeProject) -> list[str]:
    return [f"http://127.0.0.1:{compose.published(each, 8082)}" for each in compose.instances("api")]


@pytest.fixture(scope="module")
async def chain(many_machines: ComposeProject) -> AsyncIterator[Chain]:
    api_url, token = api_urls(many_machines)[0], many_machines.settings["STOPLINE_ADMIN_TOKEN"]
    account = await create_account(api_url, many_machines.url("INBOUND"), token, f"shop-{uuid4().hex[:8]}")
    async with ApiClient(api_url, account) as api:
        yield Chain(many_machines, account, await api.create_list("Newsletter"))


def test_every_service_runs_as_often_as_the_file_says(many_machines: ComposeProject) -> None:
    counts = {service: len(many_machines.instances(service)) for service in ("optout", "sender", "api", "inbound")}
    assert counts == {"optout": 3, "sender": 3, "api": 2, "inbound": 1}


async def test_every_topic_has_three_copies_of_which_two_acknowledge(chain: Chain) -> None:
    admin = new_admin(chain.bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([INBOUND_MESSAGES])
    finally:
        await admin.close()
    assert {len(partition["replicas"]) for partition in described["partitions"]} == {3}
    settings = KafkaSettings(kafka_bootstrap=chain.bootstrap, replication_factor=3)
    assert await differences(settings) == []  # also `min.insync.replicas`, which is 2 for three copies


def test_each_sender_has_a_cache_folder_of_its_own(many_machines: ComposeProject) -> None:
    look = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -o '/var/lib/stopline/cache.*lock'; true"
    locks = {
        line
        for number in (1, 2, 3)
        for line in many_machines.run("exec", "-T", "--index", str(number), "sender", "bash", "-c", look).splitlines()
    }
    assert len(locks) == 3, locks


async def test_each_instance_of_the_api_answers_what_the_other_was_asked_to_keep(chain: Chain) -> None:
    first, second = api_urls(chain.compose)
    phone = next(PHONES)
    async with ApiClient(first, chain.account) as api:
        await api.add_contacts(chain.list_id, [phone])
    async with ApiClient(second, chain.account) as api:
        assert await api.contact_status(chain.list_id, phone) == "active"


@pytest.mark.parametrize("service", ["kafka-2", "sender", "optout", "api"])
async def test_an_opt_out_holds_while_one_is_killed(chain: Chain, service: str) -> None:
    before, after, stays = next(PHONES), next(PHONES), next(PHONES)
    assert {each.type for each in await chain.send(before, after, stays)} == {"message_sent"}
    await chain.reply_stop(before)

    victim = chain.compose.instances(service)[0]
    chain.compose.kill(victim)
    await chain.reply_stop(after)
    outcomes = [each.type for each in await chain.send(before, after, stays)]
    async with SandboxClient(chain.compose.url("SANDBOX")) as sandbox:
        received = [len(await sandbox.messages(phone)) for phone in (before, after, stays)]
    async with ApiClient(api_urls(chain.compose)[0], chain.account) as api:
        recorded = [len(await api.opt_outs(phone)) for phone in (before, after, stays)]
    chain.compose.start(victim)

    assert outcomes == ["message_suppressed", "message_suppressed", "message_sent"]
    assert received == [1, 1, 2]
    assert recorded == [1, 1, 0]
