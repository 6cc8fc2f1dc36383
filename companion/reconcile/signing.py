"""The signature under a reconciliation: this store found this set of breaks in these facts.

Ed25519; the key is made once and stays in the store, readable by its user alone. Whoever has the
same facts finds the same hash on any engine, and with the public key checks who found it before.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from companion.errors import CompanionError
from companion.store import Store

# What is signed, in this order.
FIELDS = ("rules", "as_of", "facts_digest", "break_set_hash")


class SigningError(CompanionError):
    """A signature that does not belong to what it stands under, or a key that cannot be used."""


def sign(store: Store, result: dict[str, object]) -> dict[str, str]:
    """Public key and signature for a result that has `FIELDS`, both hex."""
    key = _key(store.directory / "signing.key")
    public = key.public_key().public_bytes_raw()
    return {"public_key": public.hex(), "signature": key.sign(_message(result)).hex()}


def check(document: dict[str, object]) -> None:
    """Check a document that `sign` signed; raises SigningError when it was changed."""
    try:
        signed = document["signed"]
        assert isinstance(signed, dict)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed["public_key"]))
        public.verify(bytes.fromhex(signed["signature"]), _message(document))
    except InvalidSignature:
        raise SigningError("the signature is not of these breaks and facts") from None
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise SigningError(f"not a signed reconciliation ({error!r})") from None


def _message(result: dict[str, object]) -> bytes:
    told = [str(result[name]) for name in FIELDS]
    return ("pingzhang reconciliation\n" + json.dumps(told)).encode()


def _key(path: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except FileNotFoundError:
        made = Ed25519PrivateKey.generate()
    except ValueError:
        raise SigningError(f"{path}: not a signing key") from None
    data = made.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)
    return made
