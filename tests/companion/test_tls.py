"""TLS between the companion and the terminal's own port, on the real MicroPython."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from companion.link import Authority, LinkError, SyncResult, open_transport, sync
from protocol import cbor, frame, messages
from tests.companion.terminal_rig import DEVICE, MICROPYTHON, WAIT, Store, TerminalProcess, keys
from tests.companion.wire import Served

MERCHANT = "104110070110001"
Contexts = Callable[[str], ssl.SSLContext]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("theirs"))


@pytest.fixture
def terminal(ours: Authority) -> Iterator[TerminalProcess]:
    running = TerminalProcess(
        MICROPYTHON, serial=False, records=300, identity=ours.identity(DEVICE).hex(), silence_s=1
    )
    yield running
    running.close()


def made(folder: Path) -> Authority:
    authority = Authority.of(folder, MERCHANT)
    authority.make(MERCHANT)
    return authority


def pull(url: str, contexts: Contexts, store: Store | None = None) -> SyncResult:
    transport = open_transport(url, contexts)
    try:
        return sync(transport, keys, store or Store())
    finally:
        transport.close()


def of(authority: Authority) -> Contexts:
    return lambda device_id: authority.context()


def refused(url: str, contexts: Contexts) -> str:
    with pytest.raises(LinkError) as caught:
        pull(url, contexts)
    assert caught.value.code == "TLS"
    return str(caught.value)


def heard_back(peer: socket.socket) -> bytes:
    """All that comes until the terminal ends the connection."""
    heard = b""
    # What it did not read makes of its end a reset.
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65536):
            heard += data
    return heard


def parts(identity: bytes) -> list[bytes]:
    value = cbor.loads(identity)
    assert isinstance(value, list)
    return value


def as_client(authority: Authority, identity: bytes, folder: Path) -> Contexts:
    """What somebody can do who has a terminal's key: connect with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=parts(identity)[0])
    context.load_cert_chain(pem_of(identity, folder))
    return lambda device_id: context


def pem_of(identity: bytes, folder: Path) -> Path:
    _, certificate, key = parts(identity)
    path = folder / "stolen.pem"
    private = load_der_private_key(key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    path.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
    )
    return path


def test_a_sync_inside_tls_brings_every_record_once(
    terminal: TerminalProcess, ours: Authority
) -> None:
    store = Store()
    assert pull(terminal.url, of(ours), store).records == 300
    assert pull(terminal.url, of(ours), store).records == 0
    named = terminal.url.replace("tls://", f"tls://{DEVICE}@")
    assert pull(named, of(ours), store).device_id == DEVICE
    assert terminal.said().startswith("released 301")


def test_a_companion_of_another_authority_is_refused_and_the_terminal_tells(
    terminal: TerminalProcess, ours: Authority, theirs: Authority
) -> None:
    def credulous(device_id: str) -> ssl.SSLContext:
        context = theirs.context()
        context.verify_mode = ssl.CERT_NONE
        return context

    assert "the terminal refuses this companion" in refused(terminal.url, credulous)
    assert terminal.said() == "refused 127.0.0.1 certificate not trusted"
    assert pull(terminal.url, of(ours)).records == 300


def test_a_companion_without_a_certificate_is_refused_and_the_terminal_tells(
    terminal: TerminalProcess, ours: Authority
) -> None:
    def nobody(device_id: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    assert "the terminal refuses this companion" in refused(terminal.url, nobody)
    assert terminal.said() == "refused 127.0.0.1 SSL_NO_CLIENT_CERTIFICATE"


def test_the_key_of_another_terminal_opens_no_terminal(
    terminal: TerminalProcess, ours: Authority, tmp_path: Path
) -> None:
    stolen = ours.identity("pz-another")
    message = refused(terminal.url, as_client(ours, stolen, tmp_path))
    assert "the terminal refuses this companion" in message
    assert terminal.said() == "refused 127.0.0.1 SSL_BAD_CERTIFICATE"


def test_a_terminal_of_another_authority_is_not_believed(
    terminal: TerminalProcess, theirs: Authority
) -> None:
    assert "not of this store's authority" in refused(terminal.url, of(theirs))
    assert terminal.said() == "refused 127.0.0.1 SSL_FATAL_ALERT_MESSAGE"


def test_a_terminal_that_is_not_the_one_that_was_named_is_not_believed(
    terminal: TerminalProcess, ours: Authority
) -> None:
    named = terminal.url.replace("tls://", "tls://pz-another@")
    assert f"the terminal there is {DEVICE}, not pz-another" in refused(named, of(ours))


def test_somebody_in_between_with_another_terminals_key_is_not_believed(
    ours: Authority, tmp_path: Path
) -> None:
    """He shows the stolen certificate and relays everything to the terminal that was meant."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem_of(ours.identity("pz-another"), tmp_path))
    served = Served(5)

    async def between() -> asyncio.Server:
        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await served.server.serve_stream(reader, writer, False)
            writer.close()

        return await asyncio.start_server(peer, "127.0.0.1", 0, ssl=context)

    listening = served.do(between())
    try:
        port = listening.sockets[0].getsockname()[1]
        message = refused(f"tls://127.0.0.1:{port}", of(ours))
        assert f"with the certificate of pz-another calls itself {DEVICE}" in message
        assert served.ledger.releases == []
    finally:
        served.do(asyncio.sleep(0))
        listening.close()
        served.close()


def test_a_sync_that_was_recorded_and_is_played_again_is_refused(
    terminal: TerminalProcess, ours: Authority
) -> None:
    port = int(terminal.url.rpartition(":")[2])
    heard: list[bytes] = []

    def relay(listening: socket.socket) -> None:
        near, _ = listening.accept()
        far = socket.create_connection(("127.0.0.1", port), WAIT)

        def back() -> None:
            while data := far.recv(65536):
                near.sendall(data)

        returning = threading.Thread(target=back)
        returning.start()
        while data := near.recv(65536):
            heard.append(data)
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        returning.join()
        near.close()
        far.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=relay, args=(listening,))
        thread.start()
        assert pull(f"tls://127.0.0.1:{listening.getsockname()[1]}", of(ours)).records == 300
        thread.join()
    assert terminal.said().startswith("released 301")
    with socket.create_connection(("127.0.0.1", port), WAIT) as again:
        again.settimeout(WAIT)
        again.sendall(b"".join(heard))
        heard_back(again)
    assert terminal.said() == "refused 127.0.0.1 ECP_VERIFY_FAILED"


def test_a_wrong_key_inside_tls_is_refused_and_the_terminal_tells(
    terminal: TerminalProcess, ours: Authority
) -> None:
    transport = open_transport(terminal.url, of(ours))
    with pytest.raises(LinkError) as caught:
        sync(transport, lambda device_id: bytes(32), Store())
    transport.close()
    assert caught.value.code == messages.BAD_AUTH
    assert terminal.said() == "refused 127.0.0.1 wrong key"


def test_plain_tcp_finds_nobody_to_talk_to(terminal: TerminalProcess) -> None:
    port = int(terminal.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), WAIT) as plain:
        plain.settimeout(WAIT)
        plain.sendall(frame.encode(messages.build(messages.HELLO, 2, bytes(16))))
        assert DEVICE.encode() not in heard_back(plain)
    assert terminal.said() == "refused 127.0.0.1 SSL_INVALID_RECORD"


def test_peers_that_say_nothing_are_borne_in_turn_and_then_the_next_one_is_served(
    terminal: TerminalProcess, ours: Authority
) -> None:
    port = int(terminal.url.rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port), WAIT) for _ in range(2)]
    assert pull(terminal.url, of(ours)).records == 300
    for peer in silent:
        peer.close()


def test_what_is_no_identity_is_named() -> None:
    with pytest.raises(LinkError, match=r"no certificates to use"):
        Authority(Path("/nonexistent")).context()


def test_an_authority_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    def make(number: int) -> bytes:
        authority = Authority.of(tmp_path / "authorities", MERCHANT)
        authority.make(MERCHANT)
        return authority.identity(f"pz-{number}")

    with ThreadPoolExecutor(8) as threads:
        identities = list(threads.map(make, range(8)))
    assert len({parts(identity)[0] for identity in identities}) == 1
    assert len({parts(identity)[2] for identity in identities}) == 8
    (folder,) = (tmp_path / "authorities").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(Authority.every(tmp_path / "authorities")) == 1


def test_an_authority_that_was_killed_while_it_was_made_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.rename", killed)
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            Authority.of(tmp_path, MERCHANT).make(MERCHANT)
    assert len(list(tmp_path.iterdir())) == 1
    assert Authority.every(tmp_path) == []
    Authority.of(tmp_path, MERCHANT).make(MERCHANT)
    assert len(Authority.every(tmp_path)) == 1


@pytest.mark.parametrize("merchant", ["../../../../etc", "..", "/", "a b/\\:*?<>|\"'"])
def test_a_merchants_number_cannot_lead_out_of_the_folder(tmp_path: Path, merchant: str) -> None:
    Authority.of(tmp_path / "in" / "authorities", merchant).make(merchant)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert len(list((tmp_path / "in" / "authorities").iterdir())) == 1


def test_each_certificate_is_for_one_use_and_holds_whatever_a_clock_says(ours: Authority) -> None:
    ca, own, _ = parts(ours.identity(DEVICE))
    authority = x509.load_der_x509_certificate(ca)
    certificate = x509.load_der_x509_certificate(own)
    certificate.verify_directly_issued_by(authority)
    use = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(use.value) == [ExtendedKeyUsageOID.SERVER_AUTH] and use.critical
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not basic.ca
    assert certificate.not_valid_before_utc.year == 1970
    assert certificate.not_valid_after_utc.year == 2099
    assert len(ours.identity("pz-0123456789")) < messages.MAX_PUSH
