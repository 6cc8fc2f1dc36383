"""Statements as acquirers, wallets and banks write them, with made-up contents."""

from __future__ import annotations

from dataclasses import dataclass, field

WECHAT_27 = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_24 = (
    "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率"
)
_WECHAT_ROWS = (
    "2026-03-02 12:00:00,wx1,1900000109,0,till-1,4200000001202603021234567890,ORDER1,o1,NATIVE,"
    "SUCCESS,OTHERS,CNY,12.50,0.00,0,0,0.00,0.00,,,tea; 2 cups,,0.07500,0.60%,12.50,0.00,",
    "2026-03-02 23:59:59,wx1,1900000109,0,till-1,4200000001202603021234567890,ORDER1,o1,NATIVE,"
    "REFUND,OTHERS,CNY,0.00,0.00,50300000012026030212345678901,BACK1,2.50,0.00,ORIGINAL,SUCCESS,"
    "tea; 2 cups,,-0.02000,0.60%,0.00,2.50,",
)


def wechat(columns: int = 27, end: str = "\n") -> str:
    """A bill of one payment and its refund; in a value, ';' is written as a comma."""
    head = WECHAT_27 if columns == 27 else WECHAT_24
    rows = [
        ",".join("`" + value.replace(";", ",") for value in row.split(",")[:columns])
        for row in _WECHAT_ROWS
    ]
    if columns == 27:
        labels = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,"
        labels += "订单总金额,申请退款总金额"
        totals = "`2,`12.50,`2.50,`0.00,`0.05500,`12.50,`2.50"
    else:
        labels = "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额"
        totals = "`2,`12.50,`2.50,`0.00,`0.05500"
    return end.join([head, *rows, labels, totals, ""])


ALLINPAY = (
    "商户号,门店名称,终端号,交易时间,交易类型,交易批次号,凭证号,参考号,卡号,卡类别,发卡行机构代码,"
    "发卡行名称,交易金额,手续费,交易日期,交易单号,订单号,商户备注,对接应用号,原始金额,结算金额,产品类型,"
    "分期贴息,交易完成时间,持卡人姓名,持卡人身份证,分期数,优惠金额,实付金额,原交易单,渠道交易类型,"
    "出金方账户名称,门店编号,交易完成日期"
)


def allinpay(*rows: dict[str, str]) -> str:
    """A statement of POS transactions; each row says what is different from a plain sale."""
    plain = {
        "商户号": "821290053111234",
        "终端号": "10000001",
        "交易时间": "12:00:00",
        "交易类型": "消费",
        "交易批次号": "000001",
        "凭证号": "000001",
        "参考号": "000000000001",
        "卡号": "622200******0005",
        "交易金额": "12.50",
        "手续费": "0.08",
        "交易日期": "2026-03-02",
        "交易单号": "121775090000345678",
    }
    lines = [ALLINPAY]
    for row in rows or ({},):
        lines.append(",".join({**plain, **row}.get(name, "") for name in ALLINPAY.split(",")))
    return "\n".join(lines) + "\n"


ADYEN = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,"
    "Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),"
    "Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),"
    "Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,"
    "Modification Merchant Reference,Batch Number,Reserved,Reserved"
)


def adyen() -> str:
    """A batch: a sale, a refund, a chargeback in another currency, a fee, and its payout."""
    return "\n".join(
        [
            ADYEN,
            "Co,Shop,8816178952380553,O1,visa,2026-03-02 20:22:31,CET,Settled,9915555555555555,"
            "EUR,,45.99,1,EUR,,45.10,0.20,0.30,0.09,0.30,visaclassic,,118,,",
            "Co,Shop,8816178952380554,O2,mc,2026-03-01 12:00:00,CET,Refunded,MOD1,"
            "EUR,5.00,,1,EUR,5.10,,0.10,,,,mc,,118,,",
            "Co,Shop,8816178952380555,O3,visa,2026-03-01 09:00:00,CET,Chargeback,MOD2,"
            "USD,20.00,,0.9,EUR,25.5,,7.5,,,,,,118,,",
            "Co,Shop,,,,2026-03-02 22:00:00,CET,Fee,Transaction Fees March,,,,,EUR,1.00,,,,,,,,"
            "118,,",
            "Co,Shop,,,,2026-03-02 22:30:00,CET,MerchantPayout,,,,,,EUR,13.50,,,,,,,,118,,",
            "",
        ]
    )


# An account may be a card's; a card number stands nowhere else. In two parts, for tests/scan.py.
ACCOUNT = "622200" + "0000000005011"
CLEAR = "622200" + "0000000009"


def camt053(account: str = ACCOUNT, number: int = 62, day: str = "2026-03-02") -> str:
    """A statement: two payouts booked as one entry, and one that went back."""

    def balance(kind: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
            f'<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
            f"<Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>',
            f"<GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S1</Id><ElctrncSeqNb>{number}",
            f"</ElctrncSeqNb><Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct>",
            balance("OPBD", "100.00"),
            balance("CLBD", "110.5"),
            '<Ntry><Amt Ccy="CNY">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>',
            f"<BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls>",
            "<TxDtls><Refs><EndToEndId>PAY-1</EndToEndId></Refs>"
            '<Amt Ccy="CNY">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty>'
            "<Nm>Allinpay</Nm></Pty></Dbtr></RltdPties>"
            "<RmtInf><Ustrd>settlement 1</Ustrd></RmtInf></TxDtls>",
            "<TxDtls><Refs><EndToEndId>PAY-2</EndToEndId></Refs>"
            '<Amt Ccy="CNY">2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls></NtryDtls></Ntry>',
            '<Ntry><Amt Ccy="CNY">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>'
            f"<Sts>BOOK</Sts><BookgDt><DtTm>{day}T10:00:00</DtTm></BookgDt>"
            "<AcctSvcrRef>PAY-0</AcctSvcrRef></Ntry>",
            "</Stmt></BkToCstmrStmt></Document>",
            "",
        ]
    )


MT940 = """:20:REF1
:25:37040044/0532013000
:28C:62/1
:60F:C260301CNY100,00
:61:2603020302C12,5NTRFNONREF//BANK1
:86:166?00CREDIT?20EREF+PAY-1?32ALLINPAY
second line
:61:260302RC2,NTRFPAY-0
:62M:C260302CNY110,50
:20:REF2
:25:37040044/0532013000
:28C:62/2
:60M:C260302CNY110,50
:61:2603020302D0,5NCHGNONREF
:86:charges
:62F:C260302CNY110,
:64:C260302CNY110,
-
"""

BAI2 = """01,122099999,123456789,260303,0200,1,80,1,2/
02,123456789,122099999,1,260302,2400,USD,2/
03,0123456789,USD,010,100000,,,015,110500,,/
88,100,12500,2,,400,2000,1,/
16,165,10000,V,260302,,BANK1,PAY-1,ADYEN SETTLEMENT, BATCH 118
88,more text
16,166,2500,S,0,2500,0,BANK2,PAY-2/
16,557,2000,Z,BANK3,PAY-0,RETURNED/
49,239500,7/
98,239500,1,9/
99,239500,1,11/
"""


@dataclass
class TerminalFile:
    """A day file of another maker's terminals."""

    merchant: str = "104110070110001"
    day: str = "2026-03-02"
    rows: list[str] = field(default_factory=list)
    approved: list[int] = field(default_factory=list)

    def add(
        self, stan: int, amount: int, status: str = "APPROVED", txn: str = "SALE"
    ) -> TerminalFile:
        back = txn in ("VOID", "REFUND", "COMPLETION_VOID")
        self.rows.append(
            f"{self.day}T17:00:{stan % 60:02d}+08:00,10000009,000001,{stan:06d},{txn},{status},"
            f"{amount},156,622200******0005,chip,00,{stan:012d},000001,,"
        )
        if status == "APPROVED" and not txn.startswith("PREAUTH"):
            self.approved.append(-amount if back else amount)
        return self

    def text(self) -> str:
        names = (
            "terminal_time,terminal_no,batch,stan,type,status,amount_minor,currency,card,entry,"
            "code,rrn,auth,of_batch,of_stan"
        )
        totals = f"#totals,{len(self.rows)},{len(self.approved)},{sum(self.approved)}"
        first = f"#pingzhang-terminal-1,{self.merchant},{self.day}"
        return "\n".join([first, names, *self.rows, totals]) + "\n"
