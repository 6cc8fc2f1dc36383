"""What pages and files say in English, besides the letters."""

from __future__ import annotations

SAY = {
    "to.acquirer": "To the acquirer, clearing and dispute desk",
    "to.bank": "To the bank that keeps our account",
    "to.file": "For our own file",
    "date": "Date",
    "reference": "Our reference",
    "case": "Case",
    "merchant_no": "Merchant number",
    "contact": "Contact",
    "subject": "Subject",
    "in_question": "In question",
    "terminals": "Terminal",
    "days": "Business day",
    "count": "Number",
    "answer_by": "Answer by",
    "opening": "We are {name}, merchant number {number}. We have compared the sealed journals of "
    "our terminals with your files. On {it} they disagree.",
    "opening.export": "We are {name}, merchant number {number}. We have compared the exports of "
    "our terminals with your files. On {it} they disagree.",
    "opening.mixed": "We are {name}, merchant number {number}. We have compared the sealed "
    "journals and the exports of our terminals with your files. On {it} they disagree.",
    "opening.payout": "We are {name}, merchant number {number}. We have compared what you "
    "settled with what our account was credited. On {it} they disagree.",
    "opening.bank": "We are {name}, merchant number {number} at our acquirer, and hold an "
    "account with you. Our acquirer's payout to it came back.",
    "opening.missing": "We are {name}, merchant number {number}. To reconcile our books we need "
    "data that only you have.",
    "opening.report": "We are {name}, merchant number {number}. Of our own accord we report {it}.",
    "opening.file": "Merchant {name}, number {number}. This note goes with the papers of the "
    "case.",
    "saw": "What we saw",
    "recorded": "What you recorded",
    "ask": "What we ask",
    "by": "Please answer by {due}, with our reference. Should you need longer, tell us by then "
    "who works on it and until when.",
    "by.open": "Please answer within five business days, with our reference. Should you need "
    "longer, tell us by then who works on it and until when.",
    "provisional": "Provisional: a sync or a statement that is not here yet may still settle it.",
    "members": "The transactions that make up the sum due are in {name}.",
    "low": "Paired by amount and time alone (no common number): please check the pair first.",
    "cards": "Card numbers are masked here and everywhere in this pack; we do not hold them in "
    "clear.",
    "enclosed": "Enclosures",
    "enclosed.text": "In {zip}, with verify.py, which checks them:",
    "signature": "Name, signature, stamp",
    "more": "and {count} more: transactions.csv",
    "it.one": "the {noun} below",
    "it.many": "each of the {count} {noun}s below",
    "these.one": "the {noun}",
    "these.many": "these {count} {noun}s",
    "total": "Total",
    # Columns.
    "no": "No",
    "when": "Time (China)",
    "where": "Terminal / batch / STAN",
    "rrn": "RRN / auth. code",
    "card": "Type / card",
    "ours": "Our terminal",
    "yours": "Your record",
    "amount": "In question",
    "settled": "Settled / reference",
    "due": "Due",
    "expected": "Due to us",
    "credited": "Credited",
    "account": "Account: paid to / valid",
    "agreed": "Agreed",
    "kept": "Kept",
    "party": "Party / channel",
    "leg": "Statement",
    "terminal": "Terminal / device",
    "records": "Records",
    "before": "Last before",
    "behind": "First behind",
    "problem": "What is wrong",
    "by_day": "by {day}",
    "due_day": "was due {day}",
    "valid_to": "valid until {day}",
    "rows": "transactions: {rows}",
    "reversals": "{tries} reversals, answer {code}",
    "none": "none",
    "state": "State",
    "sum": "Amount",
    "type": "Type",
    "number": "Card",
    "from.acquirer": "The acquirer's file: {name}, SHA-256 {sha256}, line {lines}",
    "from.terminal": "The terminal's export: {name}, SHA-256 {sha256}, line {lines}",
    "from.payouts": "The acquirer's payouts: {name}, SHA-256 {sha256}, line {lines}",
    "from.bank": "The bank's statement: {name}, SHA-256 {sha256}, line {lines}",
    "span": "Time (China)",
    "searched": "Looked for in: {name}, SHA-256 {sha256}, {rows} rows of {days}",
    "paid_to": "paid to {account}",
    "valid_account": "valid: {account}",
    "no_row": "not in your file",
    "no_terminal": "at no terminal of ours",
    "stan": "STAN {stan}",
    "record": "record {seq}",
    "records_span": "records {first}-{last}",
    # Annexes.
    "annex": "Annex {letter}",
    "timeline": "Timeline",
    "timeline.text": "What happened on each of the three legs, in the order of time. The "
    "terminal's own clock and the host's clock are different clocks; days without an hour stand "
    "at their end.",
    "leg.terminal": "Our terminal",
    "leg.acquirer": "Acquirer",
    "leg.bank": "Payout, bank",
    "leg.case": "Case",
    "details": "Details",
    "details.more": "{count} more are in case.json, with their slips in slips/.",
    "finding": "Finding",
    "field": "Field",
    "slip": "Slip, reprinted from the journal",
    "slip.none": "No slip: the terminal prints one only for an approval or a finished reversal.",
    "slip.part": "No slip: the record that began this transaction is missing.",
    "slip.export": "No slip: this terminal is of another maker, whose export we have.",
    "slip.lost": "No slip: no record of this transaction is in our hands.",
    "slip.printed": "Printed at the time: {count}",
    "lines": "Lines of files",
    "lines.text": "Each line as it stands in the file that we received; the hash is of the whole "
    "file, so that you can find yours. Card numbers are masked.",
    "lines.none": "No file has a line on this case.",
    "line.untold": "(the file has no lines of text; the row is in case.json)",
    "line": "Line",
    "file": "File",
    "imported": "imported {at}",
    "sealed": "Sealed records, and how to check them",
    "sealed.none": "No record of a terminal belongs to this case.",
    "seq": "Record",
    "kind": "Kind",
    "clock": "Terminal's clock",
    "content": "What it says",
    "seal": "Seal",
    "holds.yes": "holds",
    "holds.no": "BROKEN",
    "holds.unknown": "open",
    "newest": "{device}: the newest record that we hold is {seq}, its seal {seal}; SHA-256 over "
    "all records up to it {digest}. Keep these: they hold us to everything before.",
    "hashes": "Files and hashes",
    "hashes.text": "SHA-256 of each enclosure. The hash of this document itself is in SHA256SUMS.",
    "bytes": "Bytes",
    "page": "Page {page} of {pages}",
    "causes": "Likely cause",
    "glyph": "〓 stands for a character that our font does not have; case.json has it.",
}

# What a seal proves, for the pages and README.txt: paragraphs.
SEALS = (
    "Our terminals write a journal. Each record carries a seal of 8 bytes: seal = first 8 bytes "
    "of HMAC-SHA256(key, seal before || record). So a record that is changed, left out, inserted "
    "or moved breaks the chain. Every terminal has a key of its own.",
    "A seal is not a signature. The key is secret and symmetric: the terminal has it, and so has "
    "the merchant's companion, which checks with it. Whoever has the key can make seals.",
    "To us, the merchant, and to an auditor whom we let look, the seals prove that nobody "
    "without the key changed the journal. The key lies in the terminal's flash and in the "
    "companion's store: who has read one of these has it.",
    "To you, a third party, the seals alone prove nothing against us, for we could have made "
    "them. You can rely on what we cannot make: RRN, authorisation code and answer times in the "
    "records are your own, and your log must have them; the terminal's flash can be read in your "
    "presence and must give the same bytes; and the SHA-256 over our whole journal up to its "
    "newest record, given with each pack, holds us to it: whoever sees the journal later can "
    "tell whether it was changed.",
    "If you want to compute the seals, ask us for the key. We give out only a key that the "
    "terminal no longer uses: we give the terminal a new one, and then send you the old one, "
    "apart from this pack. With it you see for yourself that the chain is whole; it makes no "
    "signature of a seal.",
    "A record holds no card number in clear: the masked number, a keyed hash of it, and the "
    "number encrypted under a key that only the terminal has, and erases when nothing is "
    "pending. The records between the ones shown belong to other customers and are left out; "
    "that is why each is given with the seal before it.",
)

README = (
    "Evidence pack of case {case}, merchant {number}.",
    "{pdf}: the letter and its annexes. Everything else is what they rest on.",
    "case.json: each disagreement with its rows. transactions.csv: the same as a table.",
    "journal/: the records as the terminal sealed them. slips/: reprints. payouts/: what each "
    "payout is for. statement-lines.json: the lines of your files.",
    "SHA256SUMS: check with  sha256sum -c SHA256SUMS  or with verify.py, which needs Python 3.8 "
    "and nothing else:",
    "    python3 verify.py",
    "    python3 verify.py --keys KEYS.json     once you have the keys",
)

STATUS = {
    "APPROVED": "approved",
    "DECLINED": "declined",
    "REVERSED": "reversed",
    "SUSPENDED": "reversal not confirmed",
    "PENDING": "no end known",
    "NEEDS_RECON": "undecided",
    "CAPTURED": "captured",
    "AUTHORISED": "held",
    "SENT": "sent",
    "RETURNED": "sent back",
    "CREDIT": "credited",
    "DEBIT": "debited",
    "RETURN": "sent back",
}

TYPES = {
    "SALE": "sale",
    "VOID": "void",
    "REFUND": "refund",
    "PREAUTH": "pre-authorisation",
    "PREAUTH_CANCEL": "pre-auth. cancel",
    "COMPLETION": "completion",
    "COMPLETION_NOTICE": "completion notice",
    "COMPLETION_VOID": "completion void",
    "FEE": "fee",
}

KINDS = {
    "BOOT": "terminal started, after {cause}",
    "ARMED": "{txn} begun: {displayed} displayed, card {pan}, entry {entry}",
    "ARMED.sent": "{txn} begun: {displayed} displayed, {amount} sent, card {pan}, entry {entry}",
    "OUTCOME": "answer {code}, {result}: {amount}, RRN {rrn}, auth. {auth}, host's time "
    "{host_time}",
    "OUTCOME.bare": "answer {code}, {result}",
    "REVERSAL": "reversal sent, try {attempt}, reason {reason}",
    "REVERSAL_END": "reversal ended after {attempts} tries, answer {code}: {result}",
    "LATE": "late answer {code} to {mti}, {amount}",
    "RECEIPT": "slip: {copy}",
    "NOTE": "note {code}: {detail}",
    "BATCH": "batch {batch}: {phase}, debits {debit_count} {debit}, credits {credit_count} "
    "{credit}",
    "QUERY": "asked the host for STAN {stan}",
    "ADOPTED": "went on with batch {batch}, STAN {stan} of {device}",
    "PENDING": "took over {txn} of {amount} from {device}",
    "REKEYED": "new seal key, number {generation}",
    "VERDICT": "told how the case ended: {text}",
}

RESULTS = {1: "approved", 2: "declined", 3: "undecided"}

ENDS = {1: "reversed", 2: "unknown to the host", 3: "not confirmed"}

COPIES = {0: "none wanted", 1: "printed", 2: "printed again"}

PHASES = {
    1: "closing",
    2: "totals sent",
    3: "balanced",
    4: "unbalanced",
    5: "uploading",
    6: "end sent",
    7: "closed",
    8: "not settled",
}

LEGS = {
    "terminal": "terminal",
    "acquirer": "transactions",
    "payouts": "payouts",
    "bank": "account",
}

EVENTS = {
    "captured": "{status} {amount}, F39 {f39}",
    "settled": "in the settlement of this day {ref} ({rows})",
    "announced": "payout {ref}: {amount}, {status}, account {account}",
    "booked": "{status}: {amount}, {ref} {text}",
    "case.opened": "case opened {text}",
    "case.reopened": "case opened again {text}",
    "case.joined": "more was found {text}",
    "case.changed": "amounts changed {text}",
    "case.sent": "claim sent: {text}",
    "case.waits": "waiting: {text}",
    "case.squared": "a part has squared itself {text}",
    "case.closed": "case closed {text}",
}
