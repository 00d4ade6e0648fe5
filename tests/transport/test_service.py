"""Which hosts are talked to."""

from __future__ import annotations

import pytest

from reconciler.model.diagnostics import ReconcilerError
from reconciler.transport.service import parse_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("api-na.example.com", "https://api-na.example.com"),
        ("https://api-na.example.com", "https://api-na.example.com"),
        (" https://api-na.example.com/ ", "https://api-na.example.com"),
        ("https://psa.example.com/v4_6_release/apis/3.0", "https://psa.example.com"),
        ("psa.example.com/v2025_1/apis/3.0/?a=b#c", "https://psa.example.com"),
        ("https://PSA.example.com:8443/x", "https://psa.example.com:8443"),
        ("psa.example.com:8443", "https://psa.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/x", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_host_is_read_as_people_paste_it(text: str, origin: str) -> None:
    assert parse_origin(text, system="ConnectWise", setting="CONNECTWISE_URL") == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "https://",
        "ftp://psa.example.com",
        "file:///etc/passwd",
        "http://psa.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "https://psa example.com",
        "https://psa.example.com:port",
        "https://-psa.example.com",
        "https://psa..example.com",
        "https://psa\n.example.com",
        "javascript:alert(1)",
    ],
)
def test_anything_else_is_refused_with_the_settings_name(text: str) -> None:
    with pytest.raises(ReconcilerError) as raised:
        parse_origin(text, system="ConnectWise", setting="CONNECTWISE_URL")
    assert raised.value.diagnostics[0].code == "connectwise-url"
    assert "CONNECTWISE_URL" in raised.value.diagnostics[0].message


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ReconcilerError) as raised:
        parse_origin("https://somebody:hunter2@psa.example.com", system="Sophos", setting="SOPHOS_API_URL")
    assert "hunter2" not in str(raised.value)
