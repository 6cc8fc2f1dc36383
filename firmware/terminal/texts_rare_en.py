"""Screens in English that few ever see: loaded when the first one is due. See texts_en.py."""

PHRASES = ""
SCREENS = """
@more
1 Health
2 Training
9 Factory reset
0 Open cases

CANCEL = back
@health
{0}
{1}

ENTER = next
@erase
FACTORY RESET

Journal, keys and
settings are erased.
Type 73738, ENTER
{0}

CANCEL = no
@resetting
FACTORY RESET
恢复出厂设置

Erasing...
Do not switch off
请勿断电
@kept
NOT POSSIBLE

{0}

Nothing was erased
@practice
TRAINING

Restarting...
@practice_menu
1 Void    2 Refund
3 Pre-auth  4 Cancel
5 Completion
6 Completion notice
7 Completion void
8 Balance  9 Settle
0 Reprint  CLEAR more
@practice_more
2 End of training

CANCEL = back
@untrained
NOT POSSIBLE

Not in training
@trained
SETTLEMENT

Nothing was charged
Practised: {0}
CNY {1}
@safe
SAFE MODE 安全模式
Crashed several times
Switch off and on.
请关机再开机
Then see the log:
companion log
@"""
