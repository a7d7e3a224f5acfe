"""Asking a replica whether it answers at all, over a new connection as users' are."""

import asyncio

SILENCE = (TimeoutError, ConnectionError, ValueError, LookupError)
"""What a replica can do to the question. Any other `OSError` is the guard's own trouble."""


async def live_status(host: str, port: int, path: str = "/live") -> int:
    """Return the status of `/live`, or of another service's own path; the caller limits the time.

    Nothing after the first line is read: the listener belongs to the release and may send anything.
    Raises `OSError`, `ValueError` or `LookupError` where there is no such line.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        head = f"GET {path} HTTP/1.1\r\nhost: replica\r\nconnection: close\r\n\r\n"
        writer.write(head.encode())
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
