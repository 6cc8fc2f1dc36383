"""Where a key stands in JSON text: loaded only when a profile has an error to report."""


def line_of(lines, path: str) -> int:  # type: ignore[no-untyped-def]
    """The line, counted from 1, of the key at ``path`` ("mac.algorithm").

    ``lines`` gives the text as bytes, line by line, as an open binary file does. For a key that
    is missing it is the line of the nearest object around it.
    """
    found = 1
    # As bytes: a text with an error need not be UTF-8.
    wanted = path.encode("utf-8", "surrogatepass") + b"."
    reached = b""
    containers: list[bytes] = []  # paths of the objects and arrays that are open
    here = b""
    word = bytearray()
    quoted = False
    escaped = False
    number = 0
    for line in lines:
        number += 1
        for code in line:
            if quoted:
                if escaped or code not in b'"\\':
                    word.append(code)
                    escaped = False
                elif code == 0x5C:
                    escaped = True
                else:
                    quoted = False
            elif code == 0x22:
                word = bytearray()
                quoted = True
            elif code == 0x3A:  # what was quoted last is a key
                outer = containers[-1] if containers else b""
                here = outer + b"." + word if outer else bytes(word)
                # Of a key that is there twice, the parser takes the last.
                if len(here) >= len(reached) and wanted.startswith(here + b"."):
                    found = number
                    reached = here
            elif code in b"{[":
                containers.append(here)
            elif code in b"]}" and containers:
                here = containers.pop()
    return found


def line_at(file, offset: int) -> int:  # type: ignore[no-untyped-def]
    """The line of the byte at ``offset`` of ``file``, an open binary file at its start."""
    return 1 + int(file.read(offset).count(b"\n"))
