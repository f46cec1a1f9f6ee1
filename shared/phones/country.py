"""The country of a phone number, by libphonenumber's plan."""

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, REGION_CODE_FOR_NON_GEO_ENTITY

from shared.phones.canonical import country_code_of


def country_of_phone(phone: str) -> str | None:
    """Return the country of a canonical number, in two letters of ISO 3166; None where it belongs to none.

    Some countries share a country code: +1 is the United States, Canada and much of the Caribbean. There the number's
    range decides; one in no country's range counts as the largest's, which libphonenumber names first.
    """
    code = country_code_of(phone[1:])
    if code is None:
        return None
    countries = COUNTRY_CODE_TO_REGION_CODE[code]
    country = countries[0]
    if len(countries) > 1:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or country
    return None if country == REGION_CODE_FOR_NON_GEO_ENTITY else country
