"""The certificates for TLS: an authority for each merchant, which both ends of a sync belong to.

A folder `authorities` in the store has a folder for each merchant, with two PEM files that only
their owner can read: `ca.pem` and `companion.pem`, each a private key and its certificate. What a
terminal is given is not kept: whoever lost it gets another one.
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from companion.link.transport import LinkError
from protocol import cbor

# A terminal without a battery may think that it is 1970 or 2000 when the companion connects.
_FROM = datetime(1970, 1, 1, tzinfo=timezone.utc)
_UNTIL = datetime(2099, 12, 31, tzinfo=timezone.utc)
_CA = "ca.pem"
_COMPANION = "companion.pem"
# A kill may leave such a folder; no merchant's begins with a dot.
_UNFINISHED = ".new-"

Key = ec.EllipticCurvePrivateKey


class Authority:
    """One merchant's, in its folder; `make` makes it, once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, authorities: Path, merchant_no: str) -> Authority:
        """The merchant's, whether it is there yet or not."""
        return cls(authorities / quote(merchant_no, safe="").replace(".", "%2E"))

    @classmethod
    def every(cls, authorities: Path) -> list[Authority]:
        """All that are there."""
        there = sorted(authorities.glob(f"*/{_COMPANION}"))
        return [cls(path.parent) for path in there if not path.parent.name.startswith(_UNFINISHED)]

    @property
    def exists(self) -> bool:
        """Whether it was made."""
        return (self._folder / _COMPANION).exists()

    def make(self, merchant_no: str) -> None:
        """Make its keys, durable and whole, unless it has them; two at once make them once."""
        if self.exists:
            return
        parent = self._folder.parent
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=parent, prefix=_UNFINISHED))  # mode 0700
        try:
            name = f"Pingzhang {merchant_no}"
            ca_key, own_key = _new_key(), _new_key()
            ca = _certificate(name, ca_key, name, ca_key, None)
            own = _certificate("companion", own_key, name, ca_key, ExtendedKeyUsageOID.CLIENT_AUTH)
            _write(made / _CA, ca_key, ca)
            _write(made / _COMPANION, own_key, own)
            _sync(made)
            os.rename(made, self._folder)
            _sync(parent)
        except OSError:
            if not self.exists:
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def identity(self, device_id: str) -> bytes:
        """What a terminal needs, a new key each time: the data of an IDENTITY push."""
        pem = (self._folder / _CA).read_bytes()
        ca_key = load_pem_private_key(pem, None)
        ca = x509.load_pem_x509_certificate(pem)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        key = _new_key()
        issuer = _common_name(ca)
        own = _certificate(device_id, key, issuer, ca_key, ExtendedKeyUsageOID.SERVER_AUTH)
        der = PrivateFormat.TraditionalOpenSSL
        return cbor.dumps(
            [
                ca.public_bytes(Encoding.DER),
                own.public_bytes(Encoding.DER),
                key.private_bytes(Encoding.DER, der, NoEncryption()),
            ]
        )

    def context(self) -> ssl.SSLContext:
        """The companion's end of TLS: who it is, and that it talks to this merchant's terminals.

        Names are not compared here: a terminal is found under many, and its certificate says the
        one that counts, its device id.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        try:
            context.load_verify_locations(self._folder / _CA)
            context.load_cert_chain(self._folder / _COMPANION)
        except (OSError, ssl.SSLError) as error:
            raise LinkError(f"{self._folder}: no certificates to use ({error})", "TLS") from None
        return context


def device_of(certificate: bytes) -> str:
    """The device id in a terminal's certificate (DER); "" when it has none."""
    return _common_name(x509.load_der_x509_certificate(certificate))


def _common_name(certificate: x509.Certificate) -> str:
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        return str(attribute.value)
    return ""


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str, key: Key, issuer: str, ca_key: Key, use: ObjectIdentifier | None
) -> x509.Certificate:
    """A certificate for one use, that of an authority for None."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=use is None, path_length=None), critical=True)
    )
    if use is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=True)
    return builder.sign(ca_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(path: Path, key: Key, certificate: x509.Certificate) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM))
        file.flush()
        os.fsync(handle)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
