"""Telling subjects apart without telling who they are: the buckets of second opinions.

A user or client who asks again and again gets many overturned answers, and must not speak against
a version as often as that. The last good version therefore says with its second opinion in which
of a few buckets the subject falls whom it has recognised. The edge counts by bucket and takes the
header off.
"""

import hmac

SUBJECT_HEADER = "x-auth-subject"
"""Response header with the number of a bucket; removed at the edge before users see it."""

SUBJECT_BUCKETS = 64
"""How many there are; two subjects in one bucket count as one, which is the careful mistake."""


def bucket_of(subject: str, key: str) -> int:
    """Return the bucket of a user or client; nobody can choose one without the key."""
    content = subject.encode(errors="surrogatepass")
    return hmac.digest(key.encode(), content, "sha256")[0] % SUBJECT_BUCKETS
