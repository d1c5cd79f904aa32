from __future__ import annotations

import signal
import subprocess
import sys


def test_ctrl_c_is_one_line() -> None:
    """Standard input that never ends keeps the command waiting."""
    command = [sys.executable, "-m", "itemsearch", "check", "-"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Ctrl-C is ignored in what a shell runs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write("id,title\n")
        running.stdin.flush()
        try:
            running.wait(3)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
        error = running.stderr.read()
        assert running.wait(20) == 130
    assert error.strip().endswith("itemsearch: error: interrupted")
