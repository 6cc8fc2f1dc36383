"""The health pages: how full the journal is, what a sync still has to bring, who can be reached.

Loaded when they are asked for. A page is a screen's name and values: its title, and four rows at
most, which is what a screen in Chinese has.
"""

from terminal import FIRMWARE, zone

_MIN = 60
_HOUR = 3600
_DAY = 86400


def pages(app) -> list:
    """The screens, name and values, for an App that sells."""
    every = (
        ("JOURNAL", _journal(app)),
        ("SYNC", _sync(app)),
        ("NETWORK", _network(app)),
        ("TIME", _time(app)),
        ("TERMINAL", _terminal(app)),
    )
    return [("health", title, "\n".join(rows)) for title, rows in every]


def _journal(app) -> list:
    journal = app.journal
    if journal.read_only:
        return ["Read-only", journal.alarm, "Next record %d" % journal.next_seq]
    slots = journal.slots()
    # As the first screen counts it: what a sale and settling may need is not free.
    spare = max(app.runner.spare(), 0)
    return [
        "Used %d of %d" % (slots - journal.room(), slots),
        "Free %d%%" % (100 * spare // slots),
        "Next erase in %d" % journal.ahead(),
        "Next record %d" % journal.next_seq,
    ]


def _sync(app) -> list:
    known = app.runner.known
    server = app.server
    if server.synced < 0:
        heard = "No sync since start"
    else:
        heard = "Companion " + _ago(app.watch.seconds - server.synced)
    moves = known.debit_count + known.credit_count
    return [
        "Not synced %d" % max(app.journal.next_seq - known.handed, 0),
        heard,
        "Cases %d, unfinished %d" % (len(known.suspended), 1 if known.open else 0),
        "Batch %d: %d" % (known.batch, moves),
    ]


def _network(app) -> list:
    address = app.address()
    rows = ["Wi-Fi connected", address] if address else ["Wi-Fi not connected"]
    watch = app.watch
    if watch.heard < 0:
        rows.append("Host not reached yet")
    else:
        lost = ", lost" if app.runner.line.trouble else ""
        rows.append("Host " + _ago(watch.seconds - watch.heard) + lost)
    return rows


def _time(app) -> list:
    seconds = app.watch.seconds
    offset = app.server.settings["utc_offset_min"]
    wall = app.clock.wall()
    shown = ["Clock not set"]
    if wall:
        now = zone.civil(wall + 60 * offset)
        shown = ["%d-%02d-%02d" % now[:3], "%02d:%02d:%02d" % now[3:]]
        shown[1] += "  UTC" + zone.named(offset)
    hours = seconds % _DAY // _HOUR
    up = "Up %d d %d:%02d" % (seconds // _DAY, hours, seconds % _HOUR // _MIN)
    return shown + [up, "Start %d: %s" % (app.runner.known.boot, app.board.reset_cause())]


def _terminal(app) -> list:
    rows = [app.server.settings["device_id"], "Firmware " + FIRMWARE]
    rows.append("Heap free %d KB" % (app.heap_free() // 1024))
    faults = getattr(app.panel, "faults", None)
    return rows + (faults()[:1] if faults else [])


def _ago(seconds: int) -> str:
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MIN, "min")):
        if seconds >= unit:
            return "%d %s ago" % (seconds // unit, name)
    return "%d s ago" % max(seconds, 0)
