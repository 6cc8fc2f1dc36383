"""The sync port on the network: mutual TLS, so that only the merchant's companions get in.

An identity is a CBOR array of three byte strings in DER: the certificate of the merchant's
authority, the terminal's own, and its private key (SEC 1). The companion makes it and pushes it.
"""

import asyncio

import tls

from protocol import cbor

# TLS takes 20 to 40 KB outside the heap for each peer: one at a time, and a few may wait.
_MAX_WAITING = 4


def context(identity: bytes):
    """The terminal's end of TLS; ValueError for what is no identity."""
    parts = cbor.loads(identity)
    if not isinstance(parts, list) or len(parts) != 3:
        raise ValueError("an identity is an array of three")
    for part in parts:
        if not isinstance(part, bytes):
            raise ValueError("an identity is made of bytes")
    made = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(parts[1], parts[2])
    made.load_verify_locations(parts[0])
    made.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]  # the stub lacks it
    return made


class TlsPort:
    """``serve(reader, writer, serial, where)`` runs a peer; ``refused(where, why)`` hears of those
    who are kept out."""

    def __init__(self, serve, refused) -> None:
        self._serve = serve
        self._refused = refused
        self._context: tls.SSLContext | None = None
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def open(self, port: int, identity: bytes) -> None:
        """Listen on every interface; an open port only changes its identity, for the next peers.

        OSError when the port is taken.
        """
        listening = self._context is not None
        self._context = context(identity)
        if not listening:
            await asyncio.start_server(self._accept, "0.0.0.0", port)

    async def _accept(self, reader, writer) -> None:
        self._waiting += 1
        try:
            if self._waiting <= _MAX_WAITING:
                async with self._turn:
                    await self._peer(reader)
        except (OSError, MemoryError):
            pass
        finally:
            self._waiting -= 1
            await _close(writer)

    async def _peer(self, plain) -> None:
        # asyncio's own TLS server would do this for any number of peers at once.
        assert self._context is not None
        socket = self._context.wrap_socket(
            plain.s, server_side=True, do_handshake_on_connect=False
        )
        secure = asyncio.StreamReader(socket)
        where = _address(plain)
        try:
            await self._serve(_Greeting(secure, self._refused, where), secure, False, where)
        finally:
            await _close(secure)


class _Greeting:
    """A reader whose first read makes the handshake, and tells when that fails."""

    def __init__(self, stream, refused, where: str) -> None:
        self._stream = stream
        self._refused = refused
        self._where = where
        self._greeted = False

    async def read(self, limit: int) -> bytes:
        try:
            data = await self._stream.read(limit)
        except (OSError, ValueError) as error:
            why = "" if self._greeted else _reason(error)
            if why:
                self._refused(self._where, why)
            raise OSError(why or "the peer went away")
        self._greeted = True
        return data


async def _close(stream) -> None:
    try:
        stream.close()
        await stream.wait_closed()
    except OSError:
        pass


def _address(stream) -> str:
    """The peer's IPv4 address. A tuple on a board, a sockaddr on unix."""
    peer = stream.get_extra_info("peername")
    if isinstance(peer, tuple):
        return peer[0]
    return "%d.%d.%d.%d" % tuple(peer[4:8])


def _reason(error: Exception) -> str:
    """What TLS has against the peer; "" when it has only gone away."""
    if isinstance(error, ValueError):
        return "certificate not trusted"
    name = str(error.args[-1])
    if "_ERR_" not in name or "CONN_EOF" in name:
        return ""
    return name[name.find("_ERR_") + 5 :]
