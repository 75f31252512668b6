"""Numbers, postcodes, addresses: any spelling, one form."""

import pytest

from plugins.shop.api import (
    InvalidAddress,
    PostalAddress,
    address_lines,
    clean_address,
    find_order_number,
    normalise_order_number,
    normalise_postcode,
    one_line,
    same_email,
    same_secret,
)


@pytest.mark.parametrize(
    "text",
    [
        "B-100234",
        "b-100234",
        "b100234",
        "B 100234",
        "#100234",
        "# 100234",
        "100234",
        "１００２３４",
        "\u200bB-100234 ",
        "B\u2011100234",
        "B–100234",
    ],
)
def test_an_order_number_in_any_spelling(text: str) -> None:
    assert normalise_order_number(text) == "B-100234"


@pytest.mark.parametrize(
    "text", ["", "B-10023", "B-1002345", "A-100234", "100234x", "B--100234", "DEMO100234000017"]
)
def test_no_order_number(text: str) -> None:
    assert normalise_order_number(text) is None


def test_an_order_number_in_a_sentence() -> None:
    assert find_order_number("Wo ist meine Bestellung B-100234? PLZ 50674") == "B-100234"
    assert find_order_number("mein Paket DEMO100234000017, PLZ 50674") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("50674", "50674"),
        (" D-50674", "50674"),
        ("A-1070", "1070"),
        ("CH-8001", "8001"),
        ("m3 4bb", "M34BB"),
        ("SW1A 1AA", "SW1A1AA"),
        ("DE 50674", "50674"),
    ],
)
def test_a_postcode_in_any_spelling(text: str, code: str) -> None:
    assert normalise_postcode(text) == code


def address(street: str, code: str, city: str, country: str) -> PostalAddress:
    return PostalAddress("Änne Müller", street, code, city, country)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        (address("Lindenweg  4", "D-50674", "Köln", "DE"), "Lindenweg 4, 50674 Köln"),
        (address("Ring 1", "1010", " Wien ", "AT"), "Ring 1, 1010 Wien"),
        (
            address("221 Deansgate", "m34bb", "Manchester", "GB"),
            "221 Deansgate, Manchester, M3 4BB",
        ),
        (address("Bahnhofstrasse 40", "8001", "Zürich", "CH"), "Bahnhofstrasse 40, CH-8001 Zürich"),
    ],
)
def test_an_address_gets_its_countrys_form(given: PostalAddress, clean: str) -> None:
    assert one_line(clean_address(given), given.country) == clean


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        (address("Ring 1", "50674", "Wien", "AT"), {"postal_code"}),
        (address("", "50674", "", "DE"), {"street", "city"}),
        (address("Ring 1", "1", "Wien", "XX"), {"country"}),
        (address("High Street 1", "ZZ9 9ZZ", "London", "GB"), {"postal_code"}),
    ],
)
def test_a_wrong_address_names_its_fields(wrong: PostalAddress, fields: set[str]) -> None:
    with pytest.raises(InvalidAddress) as caught:
        clean_address(wrong)
    assert set(caught.value.fields) == fields


def test_a_label_names_the_country_only_abroad() -> None:
    home = address("Lindenweg 4", "50674", "Köln", "DE")
    assert address_lines(home, "DE") == ("Änne Müller", "Lindenweg 4", "50674 Köln")
    assert address_lines(home, "AT")[-1] == "GERMANY"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.ORG", " anna@example.org"),
        ("anna@müller.example", "anna@xn--mller-kva.example"),
        ("anna@MÜLLER.example", "anna@müller.example."),
    ],
)
def test_the_same_mailbox(one: str, other: str) -> None:
    assert same_email(one, other)
    assert same_secret(one, (), other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@straße.example", "anna@strasse.example"),  # two owners' domains
        ("weiß@example.org", "weiss@example.org"),
        ("anna+x@example.org", "anna@example.org"),
        ("", ""),  # an order without an address is nobody's
        ("\u200b", ""),
    ],
)
def test_not_the_same_mailbox(one: str, other: str) -> None:
    assert not same_email(one, other)
    assert not same_secret(one, (), other)
