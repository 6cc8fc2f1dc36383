# ruff: noqa: F821
"""The firmware as frozen modules, for those who build their own MicroPython image."""

metadata(description="Pingzhang payment terminal", version="0.1.0")

package("protocol")
package("terminal", base_path="firmware")
module("boot.py", base_path="firmware")
module("main.py", base_path="firmware")
