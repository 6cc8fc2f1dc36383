"""Our check of a signature gives the verdict of PyPI cryptography, for every vector."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

VECTORS = Path("protocol/vectors/signature.json")


def test_every_vector_has_the_same_verdict() -> None:
    for row in json.loads(VECTORS.read_text())["keys"]:
        key = rsa.RSAPublicNumbers(65537, int(row["modulus"], 16)).public_key()
        for one in row["signatures"]:
            try:
                key.verify(
                    bytes.fromhex(one["signature"]),
                    bytes.fromhex(row["digest"]),
                    padding.PKCS1v15(),
                    utils.Prehashed(SHA256()),
                )
                good = True
            except InvalidSignature:
                good = False
            assert good == one["good"], one["note"]
