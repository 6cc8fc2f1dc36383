"""A terminal whose cashier reads Chinese: screens, refusals and slips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boards.virtual.shop import WAIT, Shop, card

_NAME = "平安便民超市"


def sell(shop: Shop, amount: str, number: int, said: str) -> list[str]:
    """Key in a sale and insert a card; the screen that says how it ended."""
    shop.board.type(amount)
    shop.board.press("ENTER")
    shop.board.press("ENTER")
    shop.board.wait_screen("请插卡或挥卡", WAIT)
    shop.board.insert_card(card(number))
    return shop.board.wait_screen(said, WAIT)


def test_a_chinese_terminal_sells_declines_and_settles_in_chinese(tmp_path: Path) -> None:
    declined = {"mti": "0200", "amount_minor": 5100, "do": "decline", "f39": "51"}
    with Shop(tmp_path, [declined]) as shop:
        shop.board.wait_screen("NOT PROVISIONED", WAIT)
        options = ("--language", "zh", "--merchant-name", _NAME)
        shop.provisioning(1000, 100, *options).communicate(timeout=60)
        first = shop.board.wait_screen("就绪", WAIT)
        assert first == [_NAME, "", "请输入金额", "确认 = 菜单", "就绪"]
        approved = sell(shop, "1234", 1, "已批准")
        assert approved[:2] == ["已批准 消费", "￥12.34"]
        assert approved[2].startswith("参考号 ") and approved[3].startswith("授权码 ")
        shop.board.wait_printed("金额", WAIT)
        slip = shop.board.printed
        assert slip[0] == _NAME and "SALE 消费" in slip
        assert "金额     ￥12.34" in slip
        assert any(row.startswith("凭证号   0") for row in slip)
        refused = sell(shop, "5100", 2, "交易拒绝")
        assert refused == ["交易拒绝  51", "￥51.00", "消费", "余额不足", "交易未成功"]
        shop.board.press("CANCEL")
        shop.board.wait_screen("就绪", WAIT)
        shop.board.press("ENTER")
        shop.board.wait_screen("预授权完成撤销", WAIT)
        shop.board.press("9")
        shop.board.wait_screen("结算完成", WAIT)
        shop.board.wait_printed("对账平", WAIT)
        # The records are in English, whatever the screen says: they are evidence elsewhere too.
        shop.companion("sync", "--port", shop.board.pty)
        rows = json.loads(shop.companion("journal", "list", "--json"))
        assert not any(
            "\u4e00" <= char <= "\u9fff" for char in json.dumps(rows, ensure_ascii=False)
        )


@pytest.mark.thorough
def test_the_language_is_changed_with_a_sync(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.provision()
        assert shop.sell(1000, card(1)) == "APPROVED"
        device = json.loads(shop.companion("sync", "--port", shop.board.pty, "--json"))[
            "device_id"
        ]
        said = json.loads(shop.companion("configure", device, "--language", "zh", "--json"))
        assert said["waiting"] == {"language": 1}
        shop.companion("sync", "--port", shop.board.pty)
        shop.board.press("CANCEL")
        shop.board.wait_screen("请输入金额", WAIT)
        assert sell(shop, "2000", 2, "已批准")[1] == "￥20.00"
