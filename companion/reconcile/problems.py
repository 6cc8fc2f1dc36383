"""What is wrong with a journal, in Chinese: stores keep it in English, as it was noticed.

Each line is "English=Chinese"; a name in braces stands for numbers and codes. What is joined by
"; " or ": " is looked up part by part, and what nothing fits stays as it is.
"""

from __future__ import annotations

import re

from companion.reconcile.phrases import CHINESE

_LINES = """
missing from the store=本地没有
the seal does not match the record=封印与记录不符
sealed, but not a readable record=封印有效，但内容无法解读
it stands on record {seq}: the terminal lost those between=\
封印接在记录 {seq} 之后，终端丢失了中间的
inserted: the chain goes on without it=后来插入的，封印链不经过它
held a clear card number: not stored=含明文卡号，未保存
from the terminal differs from the stored one=终端给出的与已存的不同
from the image differs from the stored one=镜像中的与已存的不同
not sent by the terminal=终端未发送
recycled before the image was read=镜像读取之前已回收
damaged or gone at the terminal=在终端中已损坏或丢失
the terminal has another record {seq} than the store=终端的记录 {seq} 与已存的不同
the terminal no longer has them=终端已没有这些记录
its journal was rolled back, swapped or lost=其日志被回退、调换或丢失
the host answered {code} and did not settle batch {batch}=主机应答 {code}，未结算批次 {batch}
totals of batch {batch} are {here}, its transactions {there}=\
批次 {batch} 的总计 {here}，交易合计 {there}
passed over by a restart=重启时跳过的编号
damaged=已损坏
cleared by a restart=重启时清除
sector {sector} slot {slots}=扇区 {sector} 槽位 {slots}
no header and no good slot in sector {sectors}=扇区 {sectors} 既无扇区头也无完好槽位
the parts of record {seq} do not belong together=记录 {seq} 的各部分不属于同一条
the parts of record {seq} are not all there=记录 {seq} 的各部分不全
"""
# What parts are joined by, the widest first, and how Chinese joins them.
_JOINED = (("; ", "；"), (": ", "："), (", ", "，"))


def said(problem: str, language: str) -> str:
    """A problem in a language."""
    return _chinese(problem, 0) if language == CHINESE else problem


def _chinese(text: str, depth: int) -> str:
    for pattern, chinese in _PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            return chinese.format(**found.groupdict())
    if depth == len(_JOINED):
        return text
    english, between = _JOINED[depth]
    parts = text.split(english)
    translated = [_chinese(part, depth + 1) for part in parts]
    return text if translated == parts else between.join(translated)


def _pattern(english: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^;:a-z]+)", re.escape(english)))


_PATTERNS = [
    (_pattern(english), chinese)
    for english, chinese in (line.split("=") for line in _LINES.strip().splitlines())
]
