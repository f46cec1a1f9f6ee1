"""Whatever is unavailable during a check, the response says that nothing may be sent."""

import asyncio

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.optout.api.check.route import FailClosedRoute
from services.optout.api.errors import ApiError
from shared.errors import TransientError


async def response_of(error: Exception | None) -> httpx.Response:
    router = APIRouter(route_class=FailClosedRoute)

    @router.get("/check")
    async def check() -> None:
        if error is None:
            await asyncio.Event().wait()
        else:
            raise error

    app = FastAPI()
    app.include_router(router)
    transport = httpx.ASGITransport(app)
    async with asyncio.timeout(5), httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        return await http.get("/check")


@pytest.mark.parametrize(
    "error",
    [
        TransientError("Kafka is unavailable"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        ApiError(503, "unavailable", "too many large requests at once; try again"),
        None,
    ],
)
async def test_what_is_unavailable_or_too_slow_forbids_all_messages(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.optout.api.check.route.RESPONSE_SECONDS", 0.1)
    response = await response_of(error)
    assert response.status_code == 503
    assert response.json()["error"]["message"].startswith("do not send")


async def test_a_mistake_of_the_callers_is_called_one() -> None:
    response = await response_of(ApiError(422, "invalid", "phone: give one"))
    assert (response.status_code, response.json()["error"]["message"]) == (422, "phone: give one")
