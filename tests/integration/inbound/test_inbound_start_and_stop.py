"""What ends a start with one line, and a stop that loses nothing."""

import asyncio
from pathlib import Path

import httpx
import pytest
from inbound_world import WEBHOOK_KEY, Gateway, new_http, stop_of, value_of

from harness.processes import ManagedProcess
from harness.stack.service import Service
from shared.webhook_secrets import webhook_secret


async def end_of_start(service: Service, **settings: str) -> tuple[int, str]:
    await service.start(extra_env=settings, wait=False)
    code = await service.wait_exit(30)
    lines = [line for line in service.process.log_tail(50).splitlines() if not line.startswith("{")]
    assert len(lines) == 1, lines
    return code, lines[0]


async def test_topics_that_do_not_match_end_the_start_with_what_differs(service: Service) -> None:
    code, line = await end_of_start(service, STOPLINE_PARTITIONS="5")
    assert code == 78
    assert "inbound-messages has 6 partitions, must have 5" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STOPLINE_WEBHOOK_KEY", "short"),
        ("STOPLINE_KAFKA_BOOTSTRAP", "nowhere"),
        ("STOPLINE_HTTP_PORT", "port"),
        ("STOPLINE_LOG_LEVEL", "LOUD"),
        ("STOPLINE_FAILPOINT", "inbound.before_publish=explode"),
    ],
)
async def test_a_wrong_setting_ends_the_start_with_its_name(name: str, value: str, service: Service) -> None:
    code, line = await end_of_start(service, **{name: value})
    assert code == 78
    assert name in line


async def test_while_the_key_rotates_addresses_of_both_keys_are_accepted(
    service: Service, its_gateway: Gateway
) -> None:
    new_key = "the-key-that-comes-next-in-these-tests"
    old = its_gateway.address()
    new = old.replace(old.rpartition("/")[2], webhook_secret(new_key, its_gateway.account_id))
    rotating = {"STOPLINE_WEBHOOK_KEY": new_key, "STOPLINE_WEBHOOK_KEY_PREVIOUS": WEBHOOK_KEY}
    rotated = {"STOPLINE_WEBHOOK_KEY": new_key, "STOPLINE_WEBHOOK_KEY_PREVIOUS": ""}
    for extra_env, expected in (({}, [200, 404]), (rotating, [200, 200]), (rotated, [404, 200])):
        await service.start(extra_env=extra_env)
        async with new_http() as http:
            answers = [await http.post(address, data=stop_of()) for address in (old, new)]
            shown = (await http.get(service.metrics_url)).text
        assert [answer.status_code for answer in answers] == expected
        assert f"stopline_inbound_previous_key_total {float(expected == [200, 200])}" in shown
        await service.stop()


async def test_metrics_have_a_port_of_their_own(running: Service) -> None:
    async with new_http() as http:
        assert (await http.get(f"{running.url}/metrics")).status_code == 404
        assert "stopline_http_connections" in (await http.get(running.metrics_url)).text
        assert (await http.get(running.metrics_url.replace("/metrics", "/health/live"))).status_code == 404
        assert (await http.post(running.metrics_url)).status_code == 404


async def test_a_stop_answers_what_it_has_begun(service: Service, its_gateway: Gateway) -> None:
    await service.start()
    async with new_http() as http:

        async def post(number: int) -> str | None:
            try:
                answer = await http.post(its_gateway.address(), data=stop_of(f"+614{number:08d}"))
            except httpx.TransportError:
                return None
            return str(answer.json()["event_id"])

        posting = [asyncio.create_task(post(number)) for number in range(100)]
        await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
        await service.stop()
        answered = {event_id for event_id in await asyncio.gather(*posting) if event_id}
    assert answered
    assert answered <= {value_of(record)["event_id"] for record in await its_gateway.records()}
    _ended_by_itself(service.process)


def _ended_by_itself(process: ManagedProcess) -> None:
    assert process.returncode in {0, -15}, Path(process.log_path).read_text()[-2000:]
