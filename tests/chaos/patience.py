"""Waiting for a condition, with a bound."""

import http.client
import time

from kube import ApiError


def until(condition, seconds, every=0.2):
    """What the condition returns once it is true; None if it is not within the time.

    A request that fails counts as "not yet": some tests stop the API server.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except (ApiError, OSError, http.client.HTTPException):
            pass
        if time.monotonic() > end:
            return None
        time.sleep(every)
