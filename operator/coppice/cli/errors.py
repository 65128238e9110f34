"""The one error that the command line shows as a sentence and not as a traceback."""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says what to change."""
