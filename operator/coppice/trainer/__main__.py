"""`python -m coppice.trainer`: the entry point of the trainer image.

A pod can be asked to stop while this program still imports or fetches. The first process of a container gets no default
action for SIGTERM and would go on until it is killed, so an answer is given before anything else is loaded: exit code
75 (EX_TEMPFAIL), start me again. Commands that can checkpoint give their own answer later.
"""

import os
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.EX_TEMPFAIL))

from coppice.trainer.commands import main  # noqa: E402 (the answer to SIGTERM comes first)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
