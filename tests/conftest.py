"""What holds for every test."""

import signal

# Who runs in the background has SIGINT ignored, and gives that on to its children: a test that
# stops one of them as a person would, by Ctrl-C, would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
