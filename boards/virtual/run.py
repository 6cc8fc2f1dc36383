"""One virtual board for a person: python -m boards.virtual.run --dir DIR."""

import argparse
import signal
import sys
from pathlib import Path

from boards.virtual.board import BoardError, VirtualBoard
from boards.virtual.flash import FlashError
from boards.virtual.panel import tcp_port
from boards.virtual.starter import ChipMissing


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m boards.virtual.run",
        description="Run the terminal firmware on a virtual board until Ctrl-C.",
        epilog="example: python -m boards.virtual.run --dir build/board --panel-port 7000",
    )
    parser.add_argument("--dir", type=Path, required=True, help="flash images and files live here")
    parser.add_argument("--panel-port", type=tcp_port, default=0, help="default: any free port")
    parser.add_argument("--keep", action="store_true", help="keep the files as they are")
    parser.add_argument("--uart", action="store_true", help="with a second serial port")
    parser.add_argument("--reader", action="store_true", help="cards come from that port only")
    arguments = parser.parse_args()
    try:
        with VirtualBoard(
            arguments.dir,
            panel_port=arguments.panel_port,
            uart=arguments.uart,
            reader=arguments.reader,
        ) as board:
            if not arguments.keep:
                board.install()
            board.power_on()
            print(
                f"serial port  {board.pty}", f"front panel  127.0.0.1:{board.panel_port}", sep="\n"
            )
            if arguments.uart or arguments.reader:
                print(f"second port  {board.uart}")
            print("Ctrl-C switches the board off.", flush=True)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            board.wait_off()
            print(f"The board went off by itself.\n{board.serial_tail}", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        return 0
    except (BoardError, ChipMissing, FlashError, OSError) as error:
        print(f"virtual board: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
