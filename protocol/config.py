"""A terminal's configuration: what provisioning gives it, field by field.

Encoded like a record: a CBOR array in a fixed order that starts with the version. The companion
makes it, the terminal keeps it in its vault partition; the keys in it never enter the journal.
"""

from protocol import cbor, record

VERSION = 1
MAX_CONFIG = 1600
MAX_PENDINGS = 6  # as many as a CHECKPOINT names (record.py)

# (field, type, smallest, largest): the value of a number, the number of items in a list, else the
# length in bytes. ans is text in printable ASCII; items are byte strings.
FIELDS = (
    ("device_id", "text", 4, 16),
    ("terminal_no", "ans", 8, 8),  # F41
    ("merchant_no", "ans", 15, 15),  # F42
    ("merchant_name", "text", 1, 40),
    ("profile", "text", 1, 32),
    ("tpdu", "bytes", 5, 5),
    ("tmk", "bytes", 8, 16),
    ("seal_key", "bytes", 32, 32),
    ("sync_key", "bytes", 32, 32),
    ("token_key", "bytes", 32, 32),
    ("host", "text", 1, 64),
    ("port", "uint", 1, 65535),
    ("sync_port", "uint", 0, 65535),  # 0: no sync over the network
    ("response_ms", "uint", 50, 120000),
    ("reversal_tries", "uint", 1, 99),
    ("reversal_wait_ms", "uint", 10, 600000),
    ("wifi_ssid", "text", 0, 32),
    ("wifi_password", "text", 0, 63),
    ("duplicate_s", "uint", 0, 86400),  # 0: the same sale again is not asked about
    ("confirm_minor", "uint", 0, 999999999999),  # above it confirm twice; 0: never
    ("stan_start", "uint", 0, 999999),  # recovery: STANs go on above it; 0: a new terminal
    ("backup_host", "text", 0, 64),  # "": there is none
    ("backup_port", "uint", 0, 65535),
    ("pendings", "items", 0, MAX_PENDINGS),  # encoded PENDING records of the terminal before
    ("seal_generation", "uint", 0, 65535),  # how often seal_key was changed
    ("old_seal_key", "bytes", 0, 32),  # the one before it; b"": there was none
    ("language", "uint", 0, 1),  # of screens and slips: 0 English, 1 Chinese
    ("utc_offset_min", "int", -720, 840),  # of the times on them, in minutes east of UTC
)
# The last fields came later: a configuration without them has them empty, and China's time.
_ADDED = FIELDS[-10:]
_OLDER = (2, 4, 7, 10)  # how many of them may be missing
_EMPTY = {"uint": 0, "text": "", "items": [], "bytes": b"", "int": 480}
MAX_PENDING = 160  # bytes of one of them
# What stays for a terminal's life: who it is, and what its journal and its host go by.
FIXED = (
    "device_id",
    "terminal_no",
    "merchant_no",
    "tmk",
    "token_key",
    "stan_start",
    "pendings",
    "seal_generation",
    "old_seal_key",
)


class ConfigError(ValueError):
    """A configuration that breaks its schema; the message names the field and the rule."""


def _check(field: str, kind: str, low: int, high: int, value: object) -> object:
    if kind == "uint" or kind == "int":
        if not isinstance(value, int) or isinstance(value, bool):
            raise ConfigError("%s is not an integer" % field)
        size = value
    elif kind == "items":
        if not isinstance(value, list):
            raise ConfigError("%s is not a list" % field)
        for item in value:
            if not isinstance(item, bytes) or not 0 < len(item) <= MAX_PENDING:
                raise ConfigError("%s: an item is not 1..%d bytes" % (field, MAX_PENDING))
            if not _is_pending(item):
                raise ConfigError("%s: an item is no PENDING record" % field)
        size = len(value)
    elif kind in ("text", "ans"):
        if not isinstance(value, str):
            raise ConfigError("%s is not text" % field)
        data = value.encode()
        size = len(data)
        if kind == "ans" and data and (min(data) < 0x20 or max(data) > 0x7E):
            raise ConfigError("%s is not printable ASCII" % field)
    else:
        if not isinstance(value, bytes):
            raise ConfigError("%s is not bytes" % field)
        size = len(value)
    if size < low or size > high:
        raise ConfigError("%s: %d is not in %d..%d" % (field, size, low, high))
    return value


def _check_keys(config: dict) -> None:
    if len(config["tmk"]) not in (8, 16):
        raise ConfigError("tmk: a DES key has 8 or 16 bytes")
    if len(config["old_seal_key"]) not in (0, 32):
        raise ConfigError("old_seal_key: a key has 32 bytes")


def _is_pending(data: bytes) -> bool:
    try:
        kind: int = record.decode(data)["kind"]
    except ValueError:
        return False
    return kind == record.PENDING


def encode(config: dict) -> bytes:
    """Encode a configuration dict; raises ConfigError for a missing, unknown or bad field."""
    values: list[object] = [VERSION]
    config = dict(config)
    for row in _ADDED:
        config.setdefault(row[0], _EMPTY[row[1]])
    for field, kind, low, high in FIELDS:
        if field not in config:
            raise ConfigError("%s is missing" % field)
        values.append(_check(field, kind, low, high, config[field]))
    if len(config) != len(FIELDS):
        known = [row[0] for row in FIELDS]
        for key in config:
            if key not in known:
                raise ConfigError("unknown field %s" % key)
    _check_keys(config)
    return cbor.dumps(values)


def decode(data: bytes) -> dict:
    """Decode a configuration; raises ConfigError, or cbor.CborError for what is not CBOR."""
    if len(data) > MAX_CONFIG:
        raise ConfigError("configuration is %d bytes, more than %d" % (len(data), MAX_CONFIG))
    values = cbor.loads(data)
    if not isinstance(values, list) or not values or values[0] is True or values[0] != VERSION:
        raise ConfigError("configuration is not an array of version %d" % VERSION)
    if len(FIELDS) + 1 - len(values) in _OLDER:
        for row in FIELDS[len(values) - 1 :]:
            values.append(_EMPTY[row[1]])
    if len(values) != len(FIELDS) + 1:
        raise ConfigError("%d fields, not %d" % (len(values) - 1, len(FIELDS)))
    config: dict = {}
    for i in range(len(FIELDS)):
        field, kind, low, high = FIELDS[i]
        config[field] = _check(field, kind, low, high, values[i + 1])
    _check_keys(config)
    return config


def check(field: str, value: object) -> None:
    """Raises ConfigError when this cannot be changed, or not to this value."""
    for row in FIELDS:
        if row[0] == field and field not in FIXED:
            _check(*row, value)
            return
    raise ConfigError("%s cannot be changed" % field[:20])


def merged(data: bytes, changes: bytes) -> bytes:
    """An encoded configuration with changes, a CBOR array of [field, value]; raises as decode.

    Another seal_key begins a new generation: the one before it seals the end of its own.
    """
    config = decode(data)
    pairs = cbor.loads(changes)
    if not isinstance(pairs, list) or not pairs:
        raise ConfigError("changes are not an array of [field, value]")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise ConfigError("a change is not [field, value]")
        field, value = pair
        check(field, value)
        config[field] = value
    before = decode(data)["seal_key"]
    if config["seal_key"] != before:
        config["old_seal_key"] = before
        config["seal_generation"] += 1
    return encode(config)
