"""network.WLAN of the virtual board: the host's loopback is the network, always in range."""

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_GOT_IP = 1010

_hostname = "mpy-virtual"


def hostname(name: str | None = None) -> str:
    global _hostname
    if name is not None:
        _hostname = name
    return _hostname


class WLAN:
    """There is one, however often it is asked for, as on a chip."""

    _active = False
    _connected = False

    def __init__(self, interface: int = STA_IF):
        pass

    def active(self, on: bool | None = None) -> bool:
        if on is not None:
            WLAN._active = bool(on)
            WLAN._connected = WLAN._connected and WLAN._active
        return WLAN._active

    def connect(self, ssid: str | None = None, key: str | None = None):
        if not self._active:
            raise OSError("Wifi Not Started")
        WLAN._connected = True

    def disconnect(self):
        WLAN._connected = False

    def isconnected(self) -> bool:
        return self._connected

    def status(self) -> int:
        return STAT_GOT_IP if self._connected else STAT_IDLE

    def ifconfig(self) -> tuple:
        address = "127.0.0.1" if self._connected else "0.0.0.0"
        return (address, "255.0.0.0", address, address)
