"""A missing or wrong setting ends the start with one line that names it."""

import pytest

from shared.errors import MisconfiguredError
from shared.settings import ServiceSettings, load


def test_good_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_KAFKA_BOOTSTRAP", "a:9092,b:9092")
    monkeypatch.setenv("STOPLINE_HTTP_PORT", "8081")
    assert load(ServiceSettings).kafka_bootstrap == "a:9092,b:9092"


@pytest.mark.parametrize("bootstrap", ["", "localhost", "a:9092, b:9092", "a:b"])
def test_a_wrong_setting_is_named(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_KAFKA_BOOTSTRAP", bootstrap)
    monkeypatch.setenv("STOPLINE_HTTP_PORT", "8081")
    with pytest.raises(MisconfiguredError, match="STOPLINE_KAFKA_BOOTSTRAP") as error:
        load(ServiceSettings)
    assert "\n" not in str(error.value)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_KAFKA_BOOTSTRAP", "a:9092")
    monkeypatch.delenv("STOPLINE_HTTP_PORT", raising=False)
    with pytest.raises(MisconfiguredError, match="STOPLINE_HTTP_PORT"):
        load(ServiceSettings)
