"""A batch that the host refuses for good, or closes without proof: a case, and trade goes on."""

from tests.shared.bench import Bench
from tests.shared.test_batch import phases, restart, settling, traded


def again(bench: Bench) -> Bench:
    """The next try, behind a sign-in where one is needed."""
    bench.waited()
    if bench.request.mti == "0800":
        bench.reply()
        bench.connect()
    return bench


def test_94_and_22_without_a_mac_do_not_close_a_batch_and_become_a_case():
    for code in ("94", "22"):
        bench = settling(traded(2))
        bench.give("timer", "answer", bench.link)
        for _ in range(3):
            assert "closed" not in phases(bench)
            again(bench)
            bench.reply(code, mac=False)
        assert phases(bench)[-1] == "unsettled"
        assert bench.records[-1]["code"] == code
        bench = settling(traded(2))
        bench.give("timer", "answer", bench.link)
        bench.waited()
        bench.reply(code)
        assert phases(bench)[-1] == "closed"


def test_94_without_a_mac_does_not_end_an_upload_and_moves_its_details_on():
    bench = settling(traded(1))
    bench.reply("95", mac=False)
    bench.connect()
    bench.reply("94", mac=False)
    bench.connect()
    assert bench.request.fields[60][8:11] == "202"
    bench.reply("94", mac=False)
    assert phases(bench)[-1] == "end"
    again(bench)
    bench.reply("94")
    assert phases(bench)[-1] == "closed"


def test_a_batch_that_the_host_refuses_for_good_is_a_case_and_the_terminal_sells_again():
    for balance, code in (("1", "13"), ("1", "91"), ("3", "00"), ("1", "77")):
        bench = settling(traded(2))
        for number in range(3):
            assert bench.swipe(500)[0][2] == "refused"
            bench.reply(code, mac=code == "00", balance=balance)
            if number < 2:
                again(bench)
        assert phases(bench)[-1] == "unsettled"
        assert bench.screen() == "unsettled"
        slip = [effect[1] for effect in bench.did("print")]
        assert f"NOT SETTLED ({code}): OPEN CASE" in slip and "DEBIT    2  CNY 2.01" in slip
        bench.swipe(700)
        bench.connect()
        assert bench.request.mti == "0800"
        bench.reply(f60="00000008003")
        bench.connect()
        assert bench.request.fields[60][2:8] == "000008"
        bench.reply("00")
        assert (bench.known.debit_count, bench.known.debit_minor) == (1, 700)


def test_an_upload_and_its_end_that_are_refused_for_good_are_a_case_too():
    for answered in (0, 1):
        bench = settling(traded(2))
        bench.reply("95", mac=False)
        bench.connect()
        if answered:
            bench.reply("00")
            bench.connect()
        bench.reply("30", mac=False)
        assert bench.did("timer")[-1][1] != "retry"  # stop: until the cashier settles again
        for _ in range(2):
            bench.give("settle", 1000)
            bench.connect()
            bench.reply("30", mac=False)
        assert phases(bench)[-1] == "unsettled"


def test_refusals_count_for_one_message_and_silence_is_no_refusal():
    bench = settling(traded(10))
    bench.reply("13", mac=False)
    again(bench).reply("13", mac=False)
    for _ in range(5):
        again(bench).give("timer", "answer", bench.link)
    again(bench).reply("00", balance="2")
    for _ in range(2):
        bench.connect()
        for _ in range(2):
            bench.reply("13", mac=False)
            again(bench)
        bench.reply("00")
    assert phases(bench)[-1] == "end"


def test_a_batch_that_the_host_still_has_open_goes_on_with_its_totals_and_can_be_settled():
    bench = settling(traded(2))
    for number in range(3):
        bench.reply("13", mac=False)
        if number < 2:
            again(bench)
    first = bench.known.first
    restart(bench)
    assert bench.known.first == first and bench.known.keep_from() <= first
    bench.swipe(700)
    bench.connect()
    assert bench.request.mti == "0800"
    bench.reply()
    bench.connect()
    bench.reply("00")
    assert (bench.known.debit_count, bench.known.debit_minor) == (3, 901)
    settling(bench)
    assert bench.request.fields[48][:15] == "000000000901003"
    bench.reply("00")
    assert phases(bench)[-1] == "closed"


def test_an_unsettled_batch_can_be_settled_again_before_anything_is_sold():
    bench = settling(traded(2))
    for number in range(3):
        bench.reply("13", mac=False)
        if number < 2:
            again(bench)
    bench.give("settle", 1000)
    bench.connect()
    bench.reply(f60="00000008003")
    bench.connect()
    assert bench.request.fields[60][2:8] == "000007"
    assert bench.request.fields[48][:15] == "000000000201002"
    bench.reply("13", mac=False)
    assert phases(bench)[-1] == "totals"
    again(bench).reply("00")
    assert phases(bench)[-1] == "closed"


def test_a_batch_that_is_settled_again_has_all_its_tries_and_a_new_upload():
    bench = settling(traded(2))
    bench.reply("95", mac=False)
    bench.connect()
    bench.reply("13", mac=False)
    for _ in range(2):
        again(bench).reply("13", mac=False)
    assert phases(bench)[-1] == "unsettled"
    bench.swipe(700)
    bench.connect()
    bench.reply()
    bench.connect()
    bench.reply("00")
    settling(bench)
    bench.reply("13", mac=False)
    assert phases(bench)[-1] == "totals"
    again(bench).reply("95", mac=False)
    bench.connect()
    assert bench.request.fields[48][:2] == "03"
