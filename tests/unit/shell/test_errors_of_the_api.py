"""Each answer of the API server becomes the error that tells the loop what to do."""

from typing import Any

import pytest

from coppice.adapters.connection import Expired, NameTaken, error_of
from coppice.ports import Conflict, Forbidden, NotFound, Refused, Unavailable

TERMINATING = {"causes": [{"reason": "NamespaceTerminating", "message": "namespace x is being terminated"}]}


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (400, {"reason": "BadRequest"}, Refused),
        (401, {"reason": "Unauthorized"}, Unavailable),
        (403, {"reason": "Forbidden"}, Forbidden),
        (403, {"reason": "Forbidden", "details": TERMINATING}, NotFound),
        (404, {"reason": "NotFound"}, NotFound),
        (404, {}, NotFound),
        (409, {"reason": "Conflict"}, Conflict),
        (409, {"reason": "AlreadyExists"}, NameTaken),
        (410, {"reason": "Expired"}, Expired),
        (413, {}, Refused),
        (422, {"reason": "Invalid"}, Refused),
        (429, {"reason": "TooManyRequests"}, Unavailable),
        (500, {}, Unavailable),
        (503, {}, Unavailable),
        (504, {"reason": "Timeout"}, Unavailable),
    ],
)
def test_a_status_becomes_the_error_that_says_what_helps(
    status: int, answer: dict[str, Any], error: type[Exception]
) -> None:
    assert type(error_of(status, answer, None, "GET /x")) is error


@pytest.mark.parametrize(("header", "wished"), [("3", 3.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_the_servers_wish_is_kept(header: str | None, wished: float | None) -> None:
    error = error_of(429, {}, header, "GET /x")
    assert isinstance(error, Unavailable)
    assert error.retry_after_seconds == wished


def test_the_message_says_which_request_and_what_the_server_said() -> None:
    error = error_of(422, {"message": "spec.task: Required value"}, None, "POST /jobs")
    assert str(error) == "POST /jobs: spec.task: Required value"
