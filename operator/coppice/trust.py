"""Trust in an authority that somebody names: of a cluster, of a company.

Since Python 3.13 a default context wants certificates that follow RFC 5280 to the letter (VERIFY_X509_STRICT). Such
authorities often do not - a managed cluster's without an authority key identifier is one - and Go, curl and earlier
Pythons take them. Who signed, for which name and until when is checked as ever. A context that trusts public
authorities beside a named one is lenient with both.
"""

from ssl import VERIFY_X509_STRICT, SSLContext


def lenient(context: SSLContext) -> SSLContext:
    """The context without the letter of RFC 5280."""
    context.verify_flags &= ~VERIFY_X509_STRICT
    return context
