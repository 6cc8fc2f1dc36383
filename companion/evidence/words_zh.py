"""What pages and files say in Chinese, besides the letters; the same names as in words_en."""

from __future__ import annotations

SAY = {
    "to.acquirer": "致：收单机构 清算与差错处理部门",
    "to.bank": "致：开户银行",
    "to.file": "本商户留存",
    "date": "日期",
    "reference": "我方编号",
    "case": "案件",
    "merchant_no": "商户号",
    "contact": "联系人",
    "subject": "事由",
    "in_question": "涉及金额",
    "terminals": "终端号",
    "days": "营业日",
    "count": "笔数",
    "answer_by": "请于此日前答复",
    "opening": "我方为{name}，商户号 {number}。我方将终端的封印日志与贵方文件逐笔核对，{it}双方不"
    "一致。",
    "opening.export": "我方为{name}，商户号 {number}。我方将终端的导出明细与贵方文件逐笔核对，{it}"
    "双方不一致。",
    "opening.mixed": "我方为{name}，商户号 {number}。我方将终端的封印日志和导出明细与贵方文件逐笔"
    "核对，{it}双方不一致。",
    "opening.payout": "我方为{name}，商户号 {number}。我方将贵方清算的交易与我方账户的入账核对，"
    "{it}不一致。",
    "opening.bank": "我方为{name}，收单商户号 {number}，在贵行开有账户。收单机构付到该账户的款项"
    "被退回。",
    "opening.missing": "我方为{name}，商户号 {number}。为核对账目，我方需要只有贵方才有的资料。",
    "opening.report": "我方为{name}，商户号 {number}。我方主动报告{it}。",
    "opening.file": "商户{name}，商户号 {number}。本说明随案件材料留存。",
    "saw": "我方所见",
    "recorded": "贵方所记",
    "ask": "请求事项",
    "by": "请于 {due} 前答复，并注明我方编号。如需更长时间，请在此之前告知经办人和预计时间。",
    "by.open": "请于五个营业日内答复，并注明我方编号。如需更长时间，请在此之前告知经办人和预计时"
    "间。",
    "provisional": "暂定：尚未到达的同步或对账文件可能会使其自行消除。",
    "members": "构成应付金额的各笔交易见 {name}。",
    "low": "仅凭金额和时间配对（无共同编号）：请先核实是否为同一笔。",
    "cards": "卡号在此处及整个证据包中均已屏蔽，我方不持有明文卡号。",
    "enclosed": "附件",
    "enclosed.text": "在 {zip} 中，可用其中的 verify.py 核验：",
    "signature": "姓名、签字、盖章",
    "more": "另有 {count} 条，见 transactions.csv",
    "it.one": "下列{noun}",
    "it.many": "下列 {count} 笔{noun}",
    "these.one": "该笔{noun}",
    "these.many": "上列 {count} 笔{noun}",
    "total": "合计",
    "no": "序号",
    "when": "时间（北京）",
    "where": "终端号 / 批次号 / 凭证号",
    "rrn": "参考号 / 授权码",
    "card": "类型 / 卡号",
    "ours": "我方终端",
    "yours": "贵方记录",
    "amount": "涉及金额",
    "settled": "清算日 / 编号",
    "due": "应到账",
    "expected": "应付我方",
    "credited": "实际入账",
    "account": "账户：付到 / 有效",
    "agreed": "约定",
    "kept": "实收",
    "party": "对象 / 渠道",
    "leg": "对账文件",
    "terminal": "终端号 / 设备",
    "records": "记录",
    "before": "缺口前",
    "behind": "缺口后",
    "problem": "问题",
    "by_day": "不迟于 {day}",
    "due_day": "期限 {day}",
    "valid_to": "有效至 {day}",
    "rows": "{rows} 笔交易",
    "reversals": "冲正 {tries} 次，应答 {code}",
    "none": "无",
    "state": "状态",
    "sum": "金额",
    "type": "类型",
    "number": "卡号",
    "from.acquirer": "收单机构文件：{name}，SHA-256 {sha256}，行号 {lines}",
    "from.terminal": "终端导出文件：{name}，SHA-256 {sha256}，行号 {lines}",
    "from.payouts": "收单机构结算款文件：{name}，SHA-256 {sha256}，行号 {lines}",
    "from.bank": "银行对账单：{name}，SHA-256 {sha256}，行号 {lines}",
    "span": "时间（北京）",
    "searched": "查找范围：{name}，SHA-256 {sha256}，{days} 共 {rows} 行",
    "paid_to": "付到 {account}",
    "valid_account": "有效：{account}",
    "no_row": "贵方文件中没有",
    "no_terminal": "我方终端没有",
    "stan": "凭证号 {stan}",
    "record": "记录 {seq}",
    "records_span": "记录 {first}-{last}",
    "annex": "附录 {letter}",
    "timeline": "时间表",
    "timeline.text": "三方各自发生的事项，按时间排列。终端时钟与主机时钟是两个不同的时钟；只有日"
    "期的排在当日最后。",
    "leg.terminal": "我方终端",
    "leg.acquirer": "收单机构",
    "leg.bank": "结算款、银行",
    "leg.case": "案件",
    "details": "明细",
    "details.more": "另有 {count} 条，见 case.json，其签购单在 slips/ 中。",
    "finding": "结论",
    "field": "项目",
    "slip": "按日志重印的签购单",
    "slip.none": "无签购单：终端仅对成功交易或已结束的冲正打印。",
    "slip.part": "无签购单：该交易起始的记录缺失。",
    "slip.export": "无签购单：该终端为其他厂商产品，我方只有其导出文件。",
    "slip.lost": "无签购单：我方没有该交易的记录。",
    "slip.printed": "当时打印次数：{count}",
    "lines": "文件中的行",
    "lines.text": "各行均为我方收到的文件原文；哈希为整个文件的哈希，便于贵方找到同一文件。卡号已"
    "屏蔽。",
    "lines.none": "没有文件行涉及本案。",
    "line.untold": "（该文件没有文本行，内容见 case.json）",
    "line": "行号",
    "file": "文件",
    "imported": "导入时间 {at}",
    "sealed": "封印记录及核验方法",
    "sealed.none": "没有终端记录涉及本案。",
    "seq": "记录",
    "kind": "类型",
    "clock": "终端时钟",
    "content": "内容",
    "seal": "封印",
    "holds.yes": "相符",
    "holds.no": "不符",
    "holds.unknown": "未定",
    "newest": "{device}：我方所存最新记录为第 {seq} 条，封印 {seal}；截至该条全部记录的 SHA-256 "
    "为 {digest}。请保存，我方此前的日志因此不能再变。",
    "hashes": "文件与哈希",
    "hashes.text": "各附件的 SHA-256。本文件自身的哈希在 SHA256SUMS 中。",
    "bytes": "字节",
    "page": "第 {page} 页，共 {pages} 页",
    "causes": "可能原因",
    "glyph": "〓 表示字库中没有的字，原字见 case.json。",
}

# What a seal proves, for the pages and README.txt: paragraphs.
SEALS = (
    "我方终端记有日志，每条记录带有 8 字节封印：封印 = HMAC-SHA256(密钥, 前一封印 || 记录) 的前 "
    "8 字节。因此改动、删去、插入或移动任何一条记录都会使链断开。每台终端有自己的密钥。",
    "封印不是签名。密钥是对称的秘密：终端有，负责核验的商户端程序也有。持有密钥者都能生成封印。",
    "对我方以及我方允许查看的审计人员，封印证明没有密钥的人没有改动日志。密钥存于终端存储器和商户"
    "端程序的数据库，读得其一者即持有密钥。",
    "对贵方这样的第三方，仅凭封印不能证明我方没有改动，因为我方也能生成封印。贵方可以依据我方无法"
    "生成的内容：记录中的参考号、授权码和应答时间出自贵方，贵方日志必有；终端存储器可以当着贵方的"
    "面读出，字节必须一致；每份证据包都给出截至最新记录的全部日志的 SHA-256，今后查看日志者可据此"
    "判断日志是否被改动。",
    "如需自行计算封印，请向我方索取密钥。我方只交出终端已不再使用的密钥：先给终端换新密钥，再将旧"
    "密钥与本证据包分开送达。贵方由此可以自行看到链是完整的，但封印并不因此成为签名。",
    "记录中没有明文卡号：只有屏蔽的卡号、卡号的带密钥散列，以及用终端独有的密钥加密的卡号，没有待"
    "处理交易时终端即销毁该密钥。所列记录之间的记录属于其他顾客，予以略去；因此每条记录都附有其前"
    "一封印。",
)

README = (
    "案件 {case} 证据包，商户 {number}。",
    "{pdf}：信函及附录。其余文件是其依据。",
    "case.json：各项差异及其数据行。transactions.csv：同样内容的表格。",
    "journal/：终端封印的原始记录。slips/：重印的签购单。payouts/：各笔结算款的交易。"
    "statement-lines.json：贵方文件中的行。",
    "SHA256SUMS：用 sha256sum -c SHA256SUMS 核对，或用 verify.py 核验（只需 Python 3.8）：",
    "    python3 verify.py",
    "    python3 verify.py --keys KEYS.json     得到密钥之后",
)

STATUS = {
    "APPROVED": "成功",
    "DECLINED": "拒绝",
    "REVERSED": "已冲正",
    "SUSPENDED": "冲正未确认",
    "PENDING": "结果未知",
    "NEEDS_RECON": "待核对",
    "CAPTURED": "已入账",
    "AUTHORISED": "已冻结",
    "SENT": "已付出",
    "RETURNED": "已退回",
    "CREDIT": "入账",
    "DEBIT": "扣账",
    "RETURN": "退回",
}

TYPES = {
    "SALE": "消费",
    "VOID": "消费撤销",
    "REFUND": "退货",
    "PREAUTH": "预授权",
    "PREAUTH_CANCEL": "预授权撤销",
    "COMPLETION": "预授权完成",
    "COMPLETION_NOTICE": "预授权完成通知",
    "COMPLETION_VOID": "预授权完成撤销",
    "FEE": "手续费",
}

KINDS = {
    "BOOT": "终端启动，原因 {cause}",
    "ARMED": "开始{txn}：显示 {displayed}，卡号 {pan}，输入方式 {entry}",
    "ARMED.sent": "开始{txn}：显示 {displayed}，发送 {amount}，卡号 {pan}，输入方式 {entry}",
    "OUTCOME": "应答 {code}，{result}：{amount}，参考号 {rrn}，授权码 {auth}，主机时间 "
    "{host_time}",
    "OUTCOME.bare": "应答 {code}，{result}",
    "REVERSAL": "发出冲正，第 {attempt} 次，原因 {reason}",
    "REVERSAL_END": "冲正结束，共 {attempts} 次，应答 {code}：{result}",
    "LATE": "迟到的应答 {code}（{mti}），{amount}",
    "RECEIPT": "签购单：{copy}",
    "NOTE": "备注 {code}：{detail}",
    "BATCH": "批次 {batch}：{phase}，借 {debit_count} 笔 {debit}，贷 {credit_count} 笔 {credit}",
    "QUERY": "向主机查询凭证号 {stan}",
    "ADOPTED": "接续 {device} 的批次 {batch}、凭证号 {stan}",
    "PENDING": "接管 {device} 的{txn} {amount}",
    "REKEYED": "启用新封印密钥，第 {generation} 代",
    "VERDICT": "得知案件结果：{text}",
}

RESULTS = {1: "成功", 2: "拒绝", 3: "待核对"}

ENDS = {1: "已冲正", 2: "主机无此交易", 3: "未确认"}

COPIES = {0: "不需要", 1: "已打印", 2: "重打印"}

PHASES = {
    1: "开始结算",
    2: "已发总额",
    3: "对平",
    4: "对不平",
    5: "批上送中",
    6: "上送结束",
    7: "已结算",
    8: "未结算",
}

LEGS = {"terminal": "终端", "acquirer": "交易明细", "payouts": "结算款", "bank": "银行账户"}

EVENTS = {
    "captured": "{status} {amount}，应答码 {f39}",
    "settled": "归入本日清算 {ref}（{rows}）",
    "announced": "结算款 {ref}：{amount}，{status}，账户 {account}",
    "booked": "{status}：{amount}，{ref} {text}",
    "case.opened": "案件开立 {text}",
    "case.reopened": "案件重新开立 {text}",
    "case.joined": "发现更多差异 {text}",
    "case.changed": "金额有变 {text}",
    "case.sent": "已发出申请：{text}",
    "case.waits": "等待：{text}",
    "case.squared": "部分已自行消除 {text}",
    "case.closed": "案件关闭 {text}",
}
