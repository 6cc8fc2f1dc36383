"""The numbers that the rules go by; another number is another version of the rules."""

# What a break set was found with: stored with each run and under its hash.
VERSION = "legs-2"

# A number that more of a terminal's rows have than this is none: not every row with every row.
CROWD = 100
# Pass 1: how far apart two rows of one number may be when that has been used on an earlier day; a
# terminal's clock may be in another time zone. Seconds.
REUSED_SECONDS = 12 * 3600
# Pass 3: how far apart two rows may be that have nothing better in common, seconds.
NEAR_SECONDS = 300
# A second charge of one card, amount and terminal within this is the first one again, seconds.
TWICE_SECONDS = 600
# How far back a step looks at the acquirer's rows for the first of two charges, days.
RECENT_DAYS = 3
# For how long a row without money is carried that the other side does not have, days.
CARRY_DAYS = 10
# How much of a hold may be completed, and how long it may stand open.
HOLD_PERCENT = 115
HOLD_DAYS = 30
# For how long a hold that is done with is remembered, to know a second completion, days.
HOLD_KEPT_DAYS = 90
# From how far apart on the clocks of terminal and host differ too much, seconds.
SKEW_SECONDS = 600
