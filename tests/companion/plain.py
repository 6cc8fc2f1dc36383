"""A terminal's sync server on plain TCP, as version 0.1.0 had it; on either interpreter."""

import asyncio

from terminal.sync import SyncServer


async def listen(server: SyncServer, port: int) -> asyncio.Server:
    """Serve sessions on 127.0.0.1; returns asyncio's server."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await server.serve_stream(reader, writer, False, "127.0.0.1")
        finally:
            try:
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass

    return await asyncio.start_server(peer, "127.0.0.1", port)
