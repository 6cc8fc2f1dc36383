"""What the operator asks for that is no trade: health, training, the factory reset.

Loaded when it is asked for. Effects are the runner's, as in front.py and engine.py.
"""

from terminal import factory, screens, trade


def effects(app, what: str) -> list:
    """``what``: "health", "training", "reset", or "erase" once that was confirmed."""
    if what == "health":
        from terminal import health

        return app.runner.front.read(health.pages(app))
    known = app.runner.known
    if app.runner.busy() or known.open:
        return trade.refused("Unfinished sale: wait")
    if what == "training":
        # A restart would cut off what is on its way to the host or to the paper.
        if known.closing:
            return trade.refused("Batch is closing")
        if known.last and not known.last.printed:
            return trade.refused("Slip not printed")
        app.panel.show(screens.lines("practice"))
        app.log.line("training")
        _restart(True)
    refusal = factory.refusal(known, app.server.ledger)
    if refusal:
        return [("show", "result", "kept", refusal), ("beep", 3)]
    if what == "reset":
        return [("show", "erase", "erase", "-")]
    # As at any time: whoever cuts the power now has either a terminal as before, or none.
    app.panel.show(screens.lines("resetting"))
    app.log.line("factory reset: begun")
    factory.begin(app.board.partition("vault"))
    _restart()
    return []


def _restart(training: bool = False) -> None:
    from terminal import rtc  # only a board has it

    rtc.restart(rtc.TRAINING if training else rtc.SELL)
