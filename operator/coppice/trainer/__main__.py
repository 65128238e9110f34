"""`python -m coppice.trainer`: the entry point of the trainer image."""

import sys

from coppice.trainer.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
