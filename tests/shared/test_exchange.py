"""What the exchange makes of an answer in a dialect whose F60 is text."""

from binascii import unhexlify

from protocol.iso8583 import codec, profile
from terminal.exchange import AnswerError, Exchange, Request
from tests.shared.expect import raises, vectors

PATH = (
    __file__[: -len("tests/shared/test_exchange.py")]
    + "protocol/iso8583/profiles/iso8583_1987.json"
)


def _sale_answer() -> bytes:
    for row in vectors("iso8583_1987")["messages"]:
        if row["name"] == "sale_answer":
            return unhexlify("".join([piece for _, piece in row["wire"]]))
    raise AssertionError("no golden answer")


def test_an_answer_whose_batch_is_no_number_is_no_answer():
    dialect = profile.load_file(PATH)
    exchange = Exchange({"tmk": bytes(16)}, dialect, None, OSError)
    message = codec.decode(dialect, _sale_answer())
    request = Request("0200", dict(message.fields), b"")
    for batch in ("ABC123", "+00101", " 00101", "0_0101", "00101 "):
        message.fields[60] = batch
        data = codec.encode(dialect, "0210", message.fields, message.tpdu)
        error = raises(AnswerError, exchange.read, request, data, b"")
        assert "field 60" in str(error) and batch not in str(error)
        assert exchange.late(data, [int(message.text(11))]) is None
