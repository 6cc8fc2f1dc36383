"""A configuration reaches a terminal that has none, and no other."""

from protocol import config, frame, messages
from tests.shared.expect import from_json, vectors
from tests.shared.sessions import DEVICE, STEP, Companion, Ledger, Store, Terminal, refusal, run


def _config_sample():
    sample = from_json(vectors("record")["config"]["fields"])
    sample["host"] = "acquirer.example"
    sample["wifi_ssid"] = "the shop"
    sample["wifi_password"] = "a long password of the shop's own network"
    return sample


def _blank_terminal(serial=True):
    return Terminal(Ledger(0, 0), key=b"", device="", serial=serial)


def test_provisioning_moves_the_configuration_in_chunks():
    data = config.encode(_config_sample())
    assert len(data) > 2 * messages.MAX_CHUNK
    terminal = _blank_terminal()
    companion = Companion(Store(), config_bytes=data)
    run(terminal, companion)
    assert companion.result == ("provisioned", DEVICE)
    assert companion.largest <= frame.MAX_TO_TERMINAL
    assert terminal.config == data


def test_provisioning_interrupted_anywhere_can_begin_again():
    data = config.encode(_config_sample())
    key = _config_sample()["sync_key"]
    total = run(_blank_terminal(), Companion(Store(), config_bytes=data))
    for cut in range(0, total, STEP):

        def spoil(stream, offset, cut=cut):
            return stream[: max(0, cut - offset)]

        terminal = _blank_terminal()
        run(terminal, Companion(Store(), config_bytes=data), spoil)
        assert terminal.config in (None, data)
        again = Companion(Store(), key=key, nonce_seed=2, config_bytes=data)
        run(terminal, again)
        # "done": the terminal had it already, and proved that it has this configuration's key.
        assert again.result[0] in ("provisioned", "done"), again.result
        assert terminal.config == data


def _provision(terminal, *fields):
    terminal.feed(frame.encode(messages.build(messages.HELLO, 1, bytes(16))))
    return refusal(terminal, messages.build(messages.PROVISION, *fields))


def test_a_terminal_with_a_configuration_takes_no_other():
    assert _provision(Terminal(Ledger(1, 3)), 0, 5, b"x") == messages.ALREADY_PROVISIONED


def test_provisioning_over_the_network_is_refused():
    assert _provision(_blank_terminal(serial=False), 0, 5, b"x") == messages.BAD_PROTOCOL


def test_a_bad_configuration_is_refused_with_the_reason():
    terminal = _blank_terminal()
    assert _provision(terminal, 0, 5, b"\x81\x02abc") == messages.BAD_CONFIG
    assert terminal.config is None


def test_chunks_out_of_place_are_refused():
    assert _provision(_blank_terminal(), 1, 5, b"x") == messages.BAD_PROTOCOL
    assert _provision(_blank_terminal(), 0, 1, b"xx") == messages.BAD_PROTOCOL
    for offset, size in ((0, 300), (2, 300), (1, 301)):
        terminal = _blank_terminal()
        terminal.feed(frame.encode(messages.build(messages.HELLO, 1, bytes(16))))
        terminal.feed(frame.encode(messages.build(messages.PROVISION, 0, 300, b"x")))
        message = messages.build(messages.PROVISION, offset, size, b"x")
        assert refusal(terminal, message) == messages.BAD_PROTOCOL


def test_a_terminal_without_a_configuration_cannot_be_synced():
    companion = Companion(Store())
    run(_blank_terminal(), companion)
    assert companion.result[:2] == ("failed", messages.NOT_PROVISIONED)
