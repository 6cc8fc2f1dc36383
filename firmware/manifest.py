# ruff: noqa: F821
"""The firmware as frozen modules, for those who build their own MicroPython image.

A frozen image has no room for data files: put protocol/iso8583/profiles on the board's file system
as /profiles, where the application looks first, and firmware/fonts/terminal.font as
/fonts/terminal.font.
"""

metadata(description="Pingzhang payment terminal", version="0.1.0")

package("protocol", base_path="..")
package("terminal")
package("drivers")
module("boot.py")
module("main.py")
