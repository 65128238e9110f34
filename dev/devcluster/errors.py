"""The one error of this package, so that the command line can tell "you can fix this" from a defect.

Its message is a sentence for the person at the keyboard: what is missing or failed, and what to do next.
"""


class DevClusterError(Exception):
    """Something the person who runs the command can act on; the message says what."""
