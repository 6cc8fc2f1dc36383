"""`companion escape`: get a terminal's serial port back from its firmware."""

from __future__ import annotations

from contextlib import closing

import click

from companion import link


@click.command()
@click.option("--port", required=True, metavar="PORT", help="Serial port of the terminal.")
def escape(port: str) -> None:
    """Stop the terminal's program, so that mpremote finds the REPL on its port.

    While the firmware runs, Ctrl-C is data on the serial line and mpremote cannot get in. The
    journal is safe at any moment; a sale under way is reversed when the terminal starts again.

    \b
    Example:
      companion escape --port /dev/ttyACM0
      mpremote connect /dev/ttyACM0 fs ls
      mpremote connect /dev/ttyACM0 reset
    """
    with closing(link.open_transport(port)) as transport:
        link.escape(transport)
        try:
            prompt = link.await_repl(transport)
        except link.LinkError:
            prompt = False  # a chip's own USB port goes away when the chip is reset
    if prompt:
        click.echo("the port belongs to the REPL now; mpremote reset starts the terminal again")
    else:
        click.echo("the terminal has stopped; its REPL shows no prompt on this port yet")
