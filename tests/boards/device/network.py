"""network of a board, with the order of its calls."""

STA_IF = 0
calls: list = []
fails = False  # connect raises, as while ESP-IDF is connecting already


def hostname(name):
    if len(name) > 32:
        raise ValueError
    calls.append(["hostname", name])


class WLAN:
    def __init__(self, interface):
        pass

    def active(self, on):
        calls.append(["active", on])

    def isconnected(self):
        return False

    def connect(self, ssid, password):
        calls.append(["connect", ssid, password])
        if fails:
            raise OSError("Wifi Internal State Error")
