"""Start the terminal, unless the safe-mode button is held: then the REPL has the board."""

import board

if not board.safe_mode():
    from terminal import app

    app.run(board)
