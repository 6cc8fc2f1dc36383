"""The screens in English: eight lines of 21 half columns at most, the names behind an @.

What is shown before the language is known is here in both.

One string, since a board's heap has no room for an object a line.
"""

LINES = 8
MONEY = "CNY "
# What the program says is English already.
PHRASES = ""
SCREENS = """
@starting
PINGZHANG

Starting...
@provision
NOT PROVISIONED
终端未配置

Connect a computer,
请连接电脑并运行
companion provision
@idle
{0}

Enter amount
ENTER = menu
{1}
@menu
1 Void    2 Refund
3 Pre-auth  4 Cancel
5 Completion
6 Completion notice
7 Completion void
8 Balance  9 Settle
0 Print last slip
00 Cases  CLEAR more
@prompt
{0}

{1}
{2}

{3} digits, ENTER
@amount
{1}

CNY {0}

ENTER = next
@confirm
{1}

CNY {0}

ENTER = yes
CANCEL = no
@sure
LARGE AMOUNT

CNY {0}

Are you sure?
ENTER = yes
CANCEL = no
@same
SAME CARD AND AMOUNT
CNY {0}
#{1}

was just approved.
Once more?
ENTER = yes
CLEAR = no
@card_only
{0}

Insert or tap card

CANCEL = stop
@card
CNY {0}

Insert or tap card

CANCEL = stop
@connecting
CNY {0}

Connecting...
@processing
CNY {0}

Processing...
Do not switch off
@signing_in
Signing in...
@reversing
UNFINISHED SALE
CNY {0}
#{1}

Reversing, try {2}
Please wait
@chip
CNY {0}

Do not remove card
@approved
APPROVED
CNY {0}
{3}
RRN {1}
AUTH {2}
@balance
BALANCE

CNY {0}
@declined
DECLINED  {1}
CNY {0}
{3}
{2}
Nothing was done
@reversed
NOT CHARGED
CNY {0}
#{1}

{3}
was reversed
@undone
NOT DONE
CNY {0}
#{1}

{3}
was reversed
@absent
NOT CHARGED
CNY {0}
#{1}

{3}:
not at the host
Code {2}
@suspended
OPEN CASE
CNY {0}
#{1}

Not known how it went
Keep the slip and
sync the companion
@waiting
UNFINISHED SALE
CNY {0}
#{1}

No sale until it is
settled. Retrying.
@offline
NO CONNECTION

{0}
Nothing was charged
@refused
NOT POSSIBLE

{0}
Nothing was charged
@owed
APPROVED
CNY {0}
#{1}

Receipt not printed
ENTER = reprint
CLEAR = no
@last
LAST TRANSACTION
CNY {0}
#{1}
{2}
APPROVED
@settling
SETTLEMENT

BATCH {0}
CNY {1}

Please wait
@closing
SETTLEMENT

BATCH {0}

Not closed yet.
No sale. Retrying.
@settled
SETTLED

BATCH {0}
CNY {1}
{2}
@unsettled
NOT SETTLED  {1}

BATCH {0}

Open case: sync the
companion
@cases
OPEN CASES: {0}
{1}
ENTER = next
@verdict
{0}
#{1}  BATCH {2}

{3}

ENTER = next
@fault
OUT OF SERVICE

{0}

Nothing is lost.
Sync the companion.
@escape
MAINTENANCE 维护

The port belongs to
the REPL now
串口已交给 REPL
@"""
