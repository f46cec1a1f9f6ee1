"""Which numbers a carrier's block covers, and how the setting is read."""

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from shared.number_pools import NumberPoolSetting, covered_by_block

POOLS = '{"acme": {"MG1": ["+18335550123", "+18335550124"]}}'


class Given(BaseSettings):
    number_pools: NumberPoolSetting


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("{}", 0), (POOLS, 1)])
def test_an_empty_setting_names_no_pool(text: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBER_POOLS", text)
    assert len(Given().number_pools) == expected  # type: ignore[call-arg]


def test_a_setting_that_is_not_json_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBER_POOLS", "acme=+18335550123")
    with pytest.raises(ValidationError):
        Given()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("account", "number", "pool", "covered"),
    [
        ("acme", "+18335550124", None, {"+18335550123", "+18335550124"}),
        ("acme", None, "MG1", {"+18335550123", "+18335550124"}),
        ("acme", "+18335550199", None, {"+18335550199"}),
        ("other", "+18335550124", "MG1", {"+18335550124"}),
        ("acme", None, None, set()),
    ],
)
def test_a_block_covers_the_numbers_that_share_the_pool(
    account: str, number: str | None, pool: str | None, covered: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBER_POOLS", POOLS)
    pools = Given().number_pools  # type: ignore[call-arg]
    assert set(covered_by_block(pools, account, number, pool)) == covered
