"""Strangers' servers are known by their certificates, whatever address their name leads to."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.outside import NoAnswer, Outside
from tests.support.strangers import leads_to, near, served


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of hooks.example.com, signed by itself; the key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "hooks.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def of_server(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def trusting(certificate: Path) -> Outside:
    trusted = ssl.create_default_context(cafile=str(certificate))
    return Outside(near_is_allowed=True, via=leads_to("127.0.0.1"), trusted=trusted)


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_the_name_is_in_the_handshake_and_in_host_though_an_address_is_connected_to(
    certificate: Path, of_server: ssl.SSLContext
) -> None:
    names: list[str | None] = []
    of_server.sni_callback = lambda _socket, name, _context: names.append(name)
    server = served(OK, context=of_server)
    with server as port:
        answer = trusting(certificate).post(f"https://hooks.example.com:{port}/in", {}, b"{}")
    assert (answer.status, answer.body) == (200, b"ok")
    assert names == ["hooks.example.com"]
    assert f"\r\nhost: hooks.example.com:{port}\r\n" in server.asked.decode().lower()


def test_a_certificate_of_another_name_is_refused_and_nothing_is_sent(
    certificate: Path, of_server: ssl.SSLContext
) -> None:
    server = served(OK, context=of_server)
    with server as port, pytest.raises(NoAnswer, match=r"certificate of other\.example\.com") as nobody:
        trusting(certificate).post(f"https://other.example.com:{port}/in", {}, b"{}")
    assert nobody.value.kind == "tls"
    assert server.asked == b""


def test_a_certificate_that_nobody_vouches_for_is_refused(of_server: ssl.SSLContext) -> None:
    server = served(OK, context=of_server)
    with server as port, pytest.raises(NoAnswer) as nobody:
        near().post(f"https://hooks.example.com:{port}/in", {}, b"{}")
    assert nobody.value.kind == "tls"
    assert server.asked == b""


def test_who_answers_https_without_tls_gave_no_answer() -> None:
    with served(OK, waits_for=b"") as port, pytest.raises(NoAnswer) as nobody:
        near().post(f"https://hooks.example.com:{port}/in", {}, b"{}")
    assert nobody.value.kind in ("tls", "connect")
