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

Erasing...
Do not switch off
@kept
NOT POSSIBLE

{0}

Nothing was erased
@practice
TRAINING

Restarting...
@trained
TRAINING

Nothing was charged
{0} sales, {1}
@safe
SAFE MODE

Crashed several times
Switch off and on.
Then see the log:
companion log
@"""
