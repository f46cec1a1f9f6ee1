"""An account's own credentials are its own: whole, checked when the sender starts, and with a client for themselves."""

import json
import logging
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from test_carriers import KEY, Companies, FormCarrier, Ledger, asked, fence_pass, verified

from services.sender.carriers import CARRIERS
from services.sender.carriers.accounts import MAX_ACCOUNTS, read_account_carriers
from services.sender.carriers.carrier import Blocked
from services.sender.carriers.choose import Carriers, open_carriers
from services.sender.carriers.vonage_messages import VonageMessagesAdapter
from services.sender.settings import SenderSettings
from shared.errors import MisconfiguredError
from shared.settings import load

SETTINGS = {
    "KAFKA_BOOTSTRAP": "a:9092",
    "HTTP_PORT": "8083",
    "SENDER_DATABASE_URL": "postgresql://sender:secret@db/sender",
    "CARRIER_URL": "https://carrier.example",
    "CARRIER_TOKEN": KEY,
    "CACHE_DIR": "/nowhere",
}
SECRET = "sesame-of-acme"  # noqa: S105
TWILIO = {"carrier": "twilio", "twilio_account_sid": "AC00", "twilio_secret": SECRET}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARRIERS, "form", FormCarrier)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"STOPLINE_{name}", value)


def with_accounts(monkeypatch: pytest.MonkeyPatch, **accounts: object) -> SenderSettings:
    monkeypatch.setenv("STOPLINE_CARRIER_ACCOUNTS", json.dumps(accounts))
    return load(SenderSettings)


def form(url: str, key: str) -> dict[str, str]:
    return {"carrier": "form", "form_carrier_url": url, "form_carrier_key": key}


async def opened(url: str, monkeypatch: pytest.MonkeyPatch, **keys: str) -> Carriers:
    monkeypatch.setenv("STOPLINE_CARRIER_URL", url)
    return open_carriers(with_accounts(monkeypatch, **{account: form(url, key) for account, key in keys.items()}))


async def test_an_accounts_messages_go_out_with_its_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    companies, ledger = Companies(), Ledger(monkeypatch)
    async with companies.serving() as url:
        carriers = await opened(url, monkeypatch, beta=KEY, gamma="a-wrong-key")
        batch = [asked("acme", "m-1"), asked("beta", "m-2"), asked("gamma", "m-3")]
        assert await ledger.dispatcher(carriers).dispatch(batch, fence_pass(), verified) == []
        await carriers.close()
    assert (companies.generic, companies.form) == (["m-1"], ["m-2"])
    assert {key: state for key, (state, _) in ledger.settled.items()} == {
        "m-1": "sent",
        "m-2": "sent",
        "m-3": "unknown",
    }


async def test_a_pause_of_one_accounts_credentials_stops_no_other_account(monkeypatch: pytest.MonkeyPatch) -> None:
    companies, ledger = Companies(), Ledger(monkeypatch)
    async with companies.serving() as url:
        carriers = await opened(url, monkeypatch, beta=KEY, gamma=KEY, delta=f"{KEY}-2")
        dispatcher = ledger.dispatcher(carriers)
        companies.form_says = b"BUSY"
        await dispatcher.dispatch([asked("beta", "m-1")], fence_pass(), verified)
        companies.form_says = b"OK f-1"
        batch = [asked("beta", "m-2"), asked("gamma", "m-3"), asked("delta", "m-4")]
        assert await dispatcher.dispatch(batch, fence_pass(), verified) == batch[:2]  # gamma has the same credentials
        await carriers.close()


def test_accounts_with_the_same_credentials_share_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**TWILIO, "twilio_secret": "another-secret"}
    found = with_accounts(monkeypatch, acme=TWILIO, beta=TWILIO, gamma=other).account_carriers
    assert found["acme"] == found["beta"] != found["gamma"]
    assert len({each.adapter for each in found.values()}) == 2


def test_accounts_have_binds_of_their_own_to_an_smsc(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = {"carrier": "smpp", "smpp_host": "smsc.example", "smpp_system_id": "acme", "smpp_password": SECRET}
    other = {**bind, "smpp_system_id": "gamma", "smpp_opted_out_statuses": [1074], "smpp_window": 50}
    found = with_accounts(monkeypatch, acme=bind, beta=bind, gamma=other).account_carriers
    assert len({each.adapter for each in found.values()}) == 2
    adapter: Any = found["gamma"].adapter
    assert (adapter.smpp_opted_out_statuses, adapter.smpp_window, adapter.address.system_id) == ({1074}, 50, "gamma")
    assert SECRET not in repr(found)


async def test_a_block_names_the_carrier_and_not_whose_credentials_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    carriers = open_carriers(with_accounts(monkeypatch, acme=TWILIO))
    assert sorted(carriers.clients) == ["generic", "twilio of acme"]
    block = carriers.block_of(asked("acme", "m-1"), Blocked("21610", "unsubscribed"), datetime.now(UTC))
    assert block.gateway == "twilio"
    await carriers.close()


def test_nothing_that_is_missing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_TWILIO_SECRET", "the-secret-of-everybody")
    monkeypatch.setenv("STOPLINE_TWILIO_STATUS_CALLBACK", "https://everybody.example")
    adapter: Any = with_accounts(monkeypatch, acme=TWILIO).account_carriers["acme"].adapter
    assert (adapter.twilio_secret.get_secret_value(), adapter.twilio_status_callback) == (SECRET, "")
    with pytest.raises(MisconfiguredError, match="acme: twilio: twilio_secret: Field required"):
        with_accounts(monkeypatch, acme={"carrier": "twilio", "twilio_account_sid": "AC00"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sesame-of-acme", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('["sesame-of-acme"]', "must be an object"),
        ('{"acme": "sesame-of-acme"}', "acme: must be an object"),
        ('{"Acme Ltd": {"carrier": "twilio"}}', "'Acme Ltd' is not the id of an account"),
        ('{"acme": {"carrier": "sesame-of-acme"}}', "acme: carrier: choose one of aws, clicksend, form, generic"),
        ('{"acme": {"carrier": ["twilio"]}}', "acme: carrier: choose one of"),
        ('{"acme": {}}', "acme: carrier: choose one of"),
        ('{"acme": {"carrier": "twilio", "twilio_account_sid": "A/C", "twilio_secret": "sesame-of-acme"}}',
         "acme: twilio: twilio_account_sid: String should match pattern"),
        ('{"acme": {"carrier": "twilio", "twilio_sekret": "sesame-of-acme"}}', "acme: twilio: twilio_"),
        ('{"acme": {"carrier": "twilio", "twilio_account_sid": "AC", "twilio_secret": ["sesame-of-acme"]}}',
         "acme: twilio: twilio_secret: Input should be a valid string"),
        ('{"acme": {"carrier": "twilio"}, "acme": {"carrier": "aws"}}', "'acme' is there twice"),
        (json.dumps({f"a{number}": {} for number in range(MAX_ACCOUNTS + 1)}), "the limit is 1000"),
    ],
)  # fmt: skip
def test_a_wrong_setting_ends_the_start_with_one_line_that_shows_no_secret(
    text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPLINE_CARRIER_ACCOUNTS", text)
    with pytest.raises(MisconfiguredError) as error:
        load(SenderSettings)
    assert says in str(error.value)
    assert "STOPLINE_CARRIER_ACCOUNTS: " in str(error.value)
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)


def test_an_account_has_one_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_CARRIERS_BY_ACCOUNT", '{"acme": "generic"}')
    with pytest.raises(MisconfiguredError, match="acme: in STOPLINE_CARRIERS_BY_ACCOUNT and"):
        with_accounts(monkeypatch, acme=TWILIO)


def test_a_secret_that_everybody_knows_is_refused_where_others_reach_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STOPLINE_HTTP_HOST", "0.0.0.0")  # noqa: S104 (nothing listens)
    with pytest.raises(MisconfiguredError, match="STOPLINE_CARRIER_ACCOUNTS: acme: TWILIO_SECRET"):
        with_accounts(monkeypatch, acme={**TWILIO, "twilio_secret": "development-secret"})


async def test_no_secret_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = with_accounts(monkeypatch, acme=TWILIO)
    await open_carriers(settings).close()
    assert "twilio of acme answers STOP" in caplog.text
    assert SECRET not in caplog.text + repr(settings) + repr(settings.account_carriers)


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.mark.parametrize("in_one_line", [False, True])
def test_a_vonage_application_signs_as_vonages_own_library_expects(in_one_line: bool) -> None:  # noqa: FBT001
    key = rsa.generate_private_key(65537, 2048)
    text = pem(key).replace("\n", "\\n") if in_one_line else pem(key)
    given = {"acme": {"carrier": "vonage-messages", "vonage_messages_application_id": "app-1",
                      "vonage_messages_private_key": text}}  # fmt: skip
    adapter: Any = read_account_carriers(json.dumps(given), CARRIERS)["acme"].adapter
    call = adapter.call_of(asked("acme", "m-1"))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(call.headers["Authorization"].removeprefix("Bearer "), public, ["RS256"])
    assert claims["application_id"] == "app-1"
    assert claims["exp"] - claims["iat"] == 900
    assert {"jti"} <= claims.keys()
    assert adapter.call_of(asked("acme", "m-2")).headers == call.headers


ACCOUNT = {"vonage_messages_api_key": "abcd", "vonage_messages_api_secret": SECRET}
APPLICATION = {"vonage_messages_application_id": "app-1", "vonage_messages_private_key": SECRET}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "needs STOPLINE_VONAGE_MESSAGES_APPLICATION_ID"),
        ({**ACCOUNT, **APPLICATION}, "needs STOPLINE_VONAGE_MESSAGES_APPLICATION_ID"),
        ({"vonage_messages_api_key": "abcd"}, "needs STOPLINE_VONAGE_MESSAGES_APPLICATION_ID"),
        (APPLICATION, "the private key is not one in PEM without a password"),
        ({**APPLICATION, "vonage_messages_private_key": pem(ec.generate_private_key(ec.SECP256R1()))},
         "the private key is not an RSA key"),
    ],
)  # fmt: skip
def test_vonage_takes_one_kind_of_credentials_and_a_key_that_can_sign(given: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        read_account_carriers(json.dumps({"acme": {"carrier": "vonage-messages", **given}}), CARRIERS)
    assert SECRET not in str(error.value)


def test_vonage_takes_a_key_and_secret_of_the_account() -> None:
    adapter: Any = read_account_carriers(json.dumps({"acme": {"carrier": "vonage-messages", **ACCOUNT}}), CARRIERS)[
        "acme"
    ].adapter
    assert isinstance(adapter, VonageMessagesAdapter)
    basic = b64encode(f"abcd:{SECRET}".encode()).decode()
    assert adapter.call_of(asked("acme", "m-1")).headers["Authorization"] == f"Basic {basic}"
