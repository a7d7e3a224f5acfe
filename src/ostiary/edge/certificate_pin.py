"""Knowing the edge by exactly the certificate that it serves, whoever has issued that."""

import ssl
from collections.abc import Iterable

from ostiary.edge.certificates import Certificate

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name."""


def pinned_context(certificates: Iterable[Certificate]) -> ssl.SSLContext:
    """Return a client's context that trusts these certificates and nothing else.

    Names and times are not looked at: that they are right is known of a certificate before it is
    served, and one that has expired meanwhile is no fault of a release that is on trial.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    for certificate in certificates:
        # The certificate alone: with its issuers, all that they have issued would be trusted.
        leaf, end, _ = certificate.chain.partition("-----END CERTIFICATE-----\n")
        context.load_verify_locations(cadata=leaf + end)
    return context
