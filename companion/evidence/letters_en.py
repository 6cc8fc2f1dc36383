"""The letters in English. Places: {it} the items of the table, {amount} what is in question."""

from __future__ import annotations

from companion.evidence import groups
from companion.evidence.wording import Code, Group
from companion.reconcile import codes

CODES = {
    codes.HOST_ONLY: Code(
        "Charged by you, unknown to our terminals",
        "None of our terminals has {it}.",
        "You captured it, as the last column says.",
        (
            "Send us what you hold on {it}: the request message with terminal number, entry mode "
            "and time, and the signed slip if there is one.",
            "If it did not come from our terminal, refund the card holder and correct our "
            "settlement by {amount}.",
        ),
    ),
    codes.DUPLICATE_CHARGE: Code(
        "Charged twice",
        "Our terminal has one such transaction on this card, not two.",
        "You captured {it} on top of the one that our terminal has.",
        (
            "Refund the second charge, {amount} in all, to the card and correct our settlement.",
            "Tell us RRN and date of the refund, so that we can tell the card holder.",
        ),
    ),
    codes.DECLINED_BUT_CAPTURED: Code(
        "Declined by you, captured all the same",
        "Our terminal received your decline, with the response code given, and displayed it. It "
        "prints no slip for a decline.",
        "You captured it.",
        (
            "Refund {amount} to the card and take {it} out of our settlement.",
            "Tell us RRN and date of the refund, so that we can tell the card holder.",
        ),
    ),
    codes.AMOUNT_MISMATCH: Code(
        "Captured with another amount than displayed",
        "The amount in our column is what the terminal displayed, and so what the card holder "
        "agreed to.",
        "You captured the amount in your column.",
        (
            "Correct {it} to the amount displayed; the difference is {amount}.",
            "Where the card holder paid too much, refund the difference to the card. Where he "
            "paid too little, charge nothing before you have told us.",
        ),
    ),
    codes.TERMINAL_ONLY: Code(
        "Approved at our terminal, not in your file",
        "Our terminal received your approval of {it}, with the RRN and authorisation code given.",
        "Your file for that business day does not have it.",
        (
            "Look for {it} in your host's log, by RRN and by batch and STAN.",
            "Book it and settle {amount} with us; or send us the message that undid it, with its "
            "time and sender.",
        ),
    ),
    codes.NOT_CAPTURED: Code(
        "Approved at our terminal, reversed or declined in your file",
        "Our terminal received your approval of {it}. It has no record of a reversal.",
        "Your file has it as reversed or declined.",
        (
            "Send us the message that reversed or declined {it}, with its time and sender.",
            "Book it and settle {amount} with us; or confirm in writing that the card holder was "
            "not charged, so that we can collect the amount from him.",
        ),
    ),
    codes.VOID_NOT_APPLIED: Code(
        "Voided at our terminal, still charged",
        "Our terminal received your approval of {it}, a void, and displayed it as done.",
        "You have not applied it: the original is still charged.",
        (
            "Apply the void: refund {amount} to the card and correct our settlement.",
            "Tell us RRN and date of the refund, so that we can tell the card holder.",
        ),
    ),
    codes.REFUND_UNKNOWN: Code(
        "A refund whose end our terminal does not know",
        "Our terminal asked for {it} and got no answer on which it could rely.",
        "You captured it.",
        (
            "Confirm that {amount} went to the card, with RRN and date; then we book it so.",
            "Do not refund it once more.",
        ),
    ),
    codes.REVERSED_BUT_SETTLED: Code(
        "Reversed and answered, captured all the same",
        "Our terminal reversed {it}; you answered the reversal with the code given. It displayed "
        "and printed that nothing was done.",
        "You captured it all the same.",
        (
            "Refund {amount} to the card and take {it} out of our settlement.",
            "Tell us RRN and date of the refund, so that we can tell the card holder.",
        ),
    ),
    codes.REVERSAL_STUCK: Code(
        "A reversal that you have not confirmed",
        "Our terminal got no final answer to {it}. It reversed as often as stated and no "
        "confirmation came back.",
        "You captured it.",
        (
            "Reverse it on your side: refund {amount} to the card and correct our settlement.",
            "If you hold that it must stay booked, tell us at once and why: the terminal showed "
            "it as not confirmed.",
        ),
    ),
    codes.PREAUTH_OVER: Code(
        "Guarantee: more is held or completed than was agreed",
        "The amount in our column is the one that the card holder agreed to.",
        "You hold, or have completed, {amount} more than may be.",
        (
            "Release the {amount} too much to the card holder at once; where it was completed, "
            "refund it.",
            "Confirm the amount that is held or charged now, in writing, for him and for us.",
        ),
    ),
    codes.PREAUTH_UNDER: Code(
        "Guarantee: less is held than was agreed",
        "The amount in our column is the one displayed and approved.",
        "You hold {amount} less.",
        (
            "Bring the hold to the approved amount, or confirm in writing that a completion up "
            "to it will be paid.",
        ),
    ),
    codes.PREAUTH_EXPIRED: Code(
        "Guarantee: held beyond its time",
        "{it} was neither completed nor cancelled within the time allowed, and will not be.",
        "By your record {amount} is still held.",
        (
            "Release the hold of {amount} on the card.",
            "Tell us the day on which the card holder has the money again.",
        ),
    ),
    codes.PREAUTH_NOT_RELEASED: Code(
        "Guarantee: undone here, still held",
        "At our terminal {it} did not come about, or was cancelled with your approval.",
        "You still hold {amount}.",
        (
            "Release the hold of {amount} on the card now.",
            "Tell us the day on which the card holder has the money again.",
        ),
    ),
    codes.COMPLETION_DUPLICATE: Code(
        "Guarantee: completed twice",
        "One guarantee is completed once. {it} is the second completion of one.",
        "You captured both.",
        (
            "Refund the second completion, {amount}, to the card and correct our settlement.",
            "Tell us RRN and date of the refund.",
        ),
    ),
    codes.PAYOUT_MISSING: Code(
        "A payout that has not come",
        "By the transactions that you settled, {it} was due. Our account has no credit of it.",
        "",
        (
            "Tell us when, from where and to which account you paid, and the bank's reference; "
            "or when you will pay.",
            "If you hold it back, tell us the rule, the reason and until when.",
            "Pay {amount}.",
        ),
    ),
    codes.PAYOUT_SHORT: Code(
        "A payout that is too small",
        "By the transactions that you settled, more was due than our account was credited.",
        "You paid {amount} less than was due.",
        (
            "Pay {amount}; or send us the list of what you took off, transaction by transaction, "
            "with the reason of each.",
        ),
    ),
    codes.PAYOUT_RETURNED: Code(
        "A payout that the bank sent back",
        "{it} was due and was not credited to our account for good.",
        "It came back from the bank, with the reason given if there was one.",
        (
            "Hold {amount} for us and tell us the bank's reason and date.",
            "Pay again as soon as we name the account in writing, approved by two persons here.",
        ),
    ),
    codes.PAYOUT_LATE: Code(
        "A payout that came late",
        "{it} was credited later than agreed.",
        "",
        (
            "Tell us the cause, and what you change so that it does not come again.",
            "Where our contract has interest for late payment, state it.",
        ),
    ),
    codes.PAYOUT_OVER: Code(
        "A credit that we cannot explain",
        "Our account was credited {amount} more than your settlement data explain.",
        "",
        (
            "Tell us what {amount} is for, with the transactions.",
            "If it is not ours, tell us the account and reference to which we return it. We keep "
            "it apart until then.",
        ),
    ),
    codes.PAYOUT_OLD_ACCOUNT: Code(
        "Paid to our former account",
        "We changed our settlement account; the new one was valid on the day of {it}.",
        "You paid {amount} to the former account.",
        (
            "Call the payment back and pay it to the account that is valid.",
            "Bring our account data up to date in every system that pays or prints, and tell us "
            "the first payout for which that holds. If changes of ours are still waiting, list "
            "them with their dates.",
        ),
    ),
    codes.PAYOUT_WRONG_ACCOUNT: Code(
        "Paid to an account that was never ours",
        "Our records of settlement accounts, each approved by two persons, have no such account.",
        "You paid {amount} to it.",
        (
            "Have the receiving bank hold the money at once and call it back.",
            "Send us the application by which this account was entered: who, when, which papers.",
            "Pay {amount} to the account that is valid.",
        ),
    ),
    codes.FEE_DIFFERS: Code(
        "Another fee than agreed",
        "The fee by the plan agreed is in the column of what is agreed.",
        "You kept the fee in your column.",
        (
            "Correct the fees; the differences add up to {amount}.",
            "If another tariff holds, send us it, and from which day and by which agreement.",
        ),
    ),
    codes.STATEMENT_MISSING: Code(
        "A statement that has not come",
        "We have not received the statement below, though its time has passed. Transactions of "
        "{amount} wait for it.",
        "",
        (
            "Send the statement for the day and the party given, with its control totals.",
            "If there is none for that day, confirm that in writing.",
        ),
    ),
    codes.BATCH_UNSETTLED: Code(
        "A batch that your host does not close",
        "Our terminal asked to settle the batch and got the answer given.",
        "Your host did not settle it.",
        (
            "Settle the batch, or tell us what in it keeps you from it.",
            "Send us its transactions and totals as you have them.",
        ),
    ),
    codes.BATCH_TOTALS_DIFFER: Code(
        "A batch closed on other totals than its transactions",
        "The totals that our terminal sent are not the sum of the transactions in its journal.",
        "",
        ("Send us the transactions and totals of this batch as you have settled it.",),
    ),
    codes.JOURNAL_GAP: Code(
        "Records are missing from our terminal's journal",
        "The records given are missing; before and behind them stands what the table says. What "
        "the terminal did meanwhile only your log can tell.",
        "",
        (
            "Send us your log of every message of this terminal in the time given: STAN, type, "
            "amount, RRN, result, and reversals.",
            "Do not take the gap for a proof that nothing happened, in either direction.",
        ),
    ),
    codes.JOURNAL_ALTERED: Code(
        "A record of our terminal's journal was changed",
        "The record given does not carry the seal that it should: it was changed or inserted "
        "after the terminal wrote it, or damaged.",
        "",
        (
            "Send us your log of every message of this terminal in the time given.",
            "Keep your own records of that time: they may be needed as evidence.",
        ),
    ),
    codes.JOURNAL_ROLLBACK: Code(
        "A terminal that lost its journal",
        "The terminal no longer has the journal that we hold of it: its memory was set back or "
        "exchanged.",
        "",
        (
            "Send us your log of every message of this terminal in the time given.",
            "Block this terminal's number until we have replaced it.",
        ),
    ),
    codes.SELF_SWIPE: Code(
        "Report: our own card on our own terminal",
        "The card of {it} has the token of a card that the merchant has declared as his own.",
        "You have it as any other.",
        (
            "Take this report to our file. We mark {it} in our books.",
            "Tell us whether you want it undone. Without word from you it stays as it is.",
        ),
    ),
    codes.CLOCK_SKEW: Code(
        "A terminal's clock is wrong",
        "The terminal's clock differs from the host's by {seconds} s. In this pack its own times "
        "are off by that much; the host's times are not.",
        "",
        ("Use the host's times. The next sync sets the terminal's clock.",),
    ),
}

# Of a code that an earlier companion stored.
OTHER = Code(
    "A disagreement",
    "The table has what we hold on {it}, and what you hold.",
    "",
    ("Tell us what you have on {it}, and correct it, or show us where we err.",),
)

GROUPS = {
    groups.ONE_SIDED: Group("One-sided transaction: please correct", "transaction"),
    groups.REVERSAL: Group(
        "Reversal not carried out: please refund the card holder", "transaction"
    ),
    groups.PREAUTH: Group("Pre-authorisation (guarantee): please correct", "transaction"),
    groups.PAYOUT: Group("Payout of our settlement: please clarify", "payout"),
    groups.ACCOUNT: Group("Payout to another account than ours: urgent", "payout"),
    groups.FEE: Group("Fees that differ from the plan agreed", "transaction"),
    groups.STATEMENT: Group("Statement not received", "statement"),
    groups.BATCH: Group("Settlement of a batch: please send your figures", "batch"),
    groups.JOURNAL: Group("Request for your host's log of a terminal", "span of records"),
    groups.SELF_SWIPE: Group("Report of a merchant's own card", "transaction"),
    groups.CLOCK: Group("Note on times, for our own file", "terminal"),
}

BANK = Group("Payout sent back from our account: please state why", "payout")

BANK_ASKS = (
    "Tell us the state of the account (frozen, limited, closed, name or number not matching), "
    "since when and by whose order.",
    "Tell us which papers lift it, and where to hand them in.",
    "If the money is still with you, credit it or confirm that it went back, with date and "
    "reference.",
)
