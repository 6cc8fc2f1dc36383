"""`python -m companion` is the `companion` command."""

from companion.cli.main import main

main()
