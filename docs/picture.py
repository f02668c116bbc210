"""Make docs/demo.svg: the demo as it looks on a terminal of 80 columns.

.venv/bin/python docs/picture.py
"""

import os
import pty
import subprocess
import sys
from pathlib import Path

from healthslm.review import screen

COMMAND = [sys.executable, "-m", "healthslm", "demo"]


def captured(command: list[str]) -> str:
    """Return what `command` writes to a terminal."""
    near, far = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=far, env=environment) as process:  # noqa: S603  ours
        os.close(far)
        text = b""
        while True:
            try:
                piece = os.read(near, 65536)
            except OSError:  # the terminal is gone: the demo has ended
                break
            text += piece
    if process.returncode:
        sys.exit("a proof did not hold: no picture")
    return text.decode()


if __name__ == "__main__":
    picture = screen.picture(captured(COMMAND), title="./dev demo")
    Path(__file__).with_name("demo.svg").write_text(picture, "utf-8")
