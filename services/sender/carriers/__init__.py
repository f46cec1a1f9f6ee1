"""Carriers: a module with a `CarrierAdapter` each, registered here under the name that the settings use."""

from services.sender.carriers.carrier import CarrierAdapter
from services.sender.carriers.generic import GenericAdapter

CARRIERS: dict[str, type[CarrierAdapter]] = {"generic": GenericAdapter}
