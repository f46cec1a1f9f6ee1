"""Why Kafka cannot be reached, where aiokafka's clients say only that it cannot: a wrong login is not an outage."""

import asyncio
import ssl

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from shared.errors import MisconfiguredError, TransientError
from shared.kafka_connection import KafkaConnection

_ANSWER_SECONDS = 5.0
_AWAY = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What a broker that stops in the middle of a handshake looks like: no fault of the settings."""


async def explain(kafka: KafkaConnection) -> Exception | None:
    """Try each address once; return why the first that speaks refuses us, None where one of them serves.

    Returns:
        MisconfiguredError: the login or a certificate is refused; trying again brings nothing.
        TransientError: nothing answers, or it hangs up without a reason.
    """
    found: list[Exception] = []
    for address in kafka.bootstrap.split(","):
        error = await _try(kafka, address)
        if error is None:
            return None
        found.append(error)
    return next((error for error in found if isinstance(error, MisconfiguredError)), found[0])


async def _try(kafka: KafkaConnection, address: str) -> Exception | None:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await _greet(kafka, address)
    except (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError) as error:
        user = kafka.login.username if kafka.login else "nobody"
        return MisconfiguredError(
            f"Kafka at {address} refuses the login of {user!r}: {error}"
            " (STOPLINE_KAFKA_SASL_USERNAME, _PASSWORD, _MECHANISM)"
        )
    except _AWAY as error:
        return TransientError(f"Kafka at {address}: {error}")
    except ssl.SSLError as error:
        return MisconfiguredError(
            f"TLS with Kafka at {address} fails: {error.verify_message if isinstance(error, _UNTRUSTED) else error}"
            " (STOPLINE_KAFKA_CA_FILE, _CERTIFICATE_FILE, _SECURITY_PROTOCOL)"
        )
    except (ConnectionResetError, KafkaError) as error:
        return TransientError(
            f"Kafka at {address} hangs up on a client with {kafka.protocol}: it stops, or expects another"
            f" STOPLINE_KAFKA_SECURITY_PROTOCOL or a client certificate ({error!r})"
        )
    except (OSError, TimeoutError) as error:
        return TransientError(f"Kafka at {address} does not answer: {error or 'timeout'}")
    return None


_UNTRUSTED = ssl.SSLCertVerificationError


async def _greet(kafka: KafkaConnection, address: str) -> None:
    options = kafka.options()
    del options["bootstrap_servers"]
    host, _, port = address.rpartition(":")
    made = await create_conn(host, int(port), **options)
    try:
        await made.send(MetadataRequest([]))  # a missing client certificate shows only here
    finally:
        made.close()
