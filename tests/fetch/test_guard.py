"""Addresses that must not be asked, however they are spelled and wherever they come from."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fetch.conftest import Fetch
from support.picture_server import PictureServer, picture, redirect

from itemsearch.fetch import guard
from itemsearch.fetch.guard import is_public

TRUE_LOOK_UP = socket.getaddrinfo


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::1", "100::1"),
    ],
)
def test_these_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_these_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254", "user@127.0.0.1"),
    ],
)
def test_this_machine_is_not_asked_by_any_name(server: PictureServer, fetch: Fetch, host: str) -> None:
    server.pages = {"/a": picture(1)}
    report = fetch([server.url("/a", host)], allow_private=False, retries=0)
    assert report.failed == 1
    assert set(report.reasons) <= {"private address", "no such host", "bad address"}
    assert not server.asked


@pytest.fixture
def half_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 counts as public, and nothing else of this machine does."""
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1" or is_public(address))


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names that end in .test stand for each of `answers` in turn; returns the list of those looked up."""
    looked_up: list[str] = []

    def look_up(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if not str(host).endswith(".test"):
            return TRUE_LOOK_UP(host, port, *rest, **named)
        addresses = answers[min(len(looked_up), len(answers) - 1)]
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return looked_up


@pytest.mark.usefixtures("half_public")
@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "10.0.0.1", "[::1]", "inside.test"])
def test_a_redirect_to_a_private_address_is_refused(
    server: PictureServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    resolve(monkeypatch, ["192.168.0.1"])
    server.pages = {"/a": redirect(server.url("/secret", host)), "/secret": picture(1), "/b": picture(2)}
    report = fetch([server.url("/a"), server.url("/b")], allow_private=False, retries=0)
    if host == "localhost":  # it has an IPv4 address too, which counts as public here
        assert report.downloaded == 2
    else:
        assert (report.downloaded, report.reasons) == (1, {"private address": 1})
        assert not server.asked["/secret"]


@pytest.mark.usefixtures("half_public")
def test_the_address_that_was_checked_is_the_one_that_is_asked(
    server: PictureServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = resolve(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    server.pages = {"/a": picture(1)}
    report = fetch([server.url("/a", "shop.test")], allow_private=False)
    assert report.downloaded == 1
    assert looked_up == ["shop.test"]
    assert dict(server.headers)["/a"]["Host"] == f"shop.test:{server.port}"
    report = fetch([server.url("/a", "shop.test")], allow_private=False)
    assert report.reasons == {"private address": 1}


@pytest.mark.usefixtures("half_public")
def test_of_several_addresses_the_permitted_ones_are_tried_in_turn(
    server: PictureServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages = {"/a": picture(1)}
    resolve(monkeypatch, ["10.0.0.1", "127.0.0.2", "127.0.0.1"])
    assert fetch([server.url("/a", "shop.test")], allow_private=False).downloaded == 1
    resolve(monkeypatch, ["127.0.0.2", "127.0.0.1"])  # nothing listens at the first
    assert fetch([server.url("/a", "other.test")], retries=0).downloaded == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the command openssl")
def test_certificates_are_those_of_the_name_and_not_of_the_address(
    tmp_path: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "shop.pem", tmp_path / "shop.key"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=shop.test",
            ),
            *("-addext", "subjectAltName=DNS:shop.test", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    names: list[str] = []
    tls.sni_callback = lambda connection, name, context: names.append(str(name))
    resolve(monkeypatch, ["127.0.0.1"])
    trusted = ssl.create_default_context(cafile=certificate)
    with PictureServer(tls) as server:
        server.pages = {"/a": picture(1)}
        addresses = [server.url("/a", "shop.test"), server.url("/a", "other.test"), server.url("/a")]
        report = fetch(addresses, trusted, retries=0)
        assert (report.downloaded, report.reasons) == (1, {"certificate": 2})
        assert {"shop.test", "other.test"} <= set(names)
        assert fetch(addresses[:1], retries=0).reasons == {"certificate": 1}
