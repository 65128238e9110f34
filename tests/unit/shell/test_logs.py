"""Logs: one JSON object a line, and a secret in none of them, wherever it comes from."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from coppice.app.logs import REDACTED, configure, redacted

CANARY = "canary-4f1d9c"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("kopf", "asyncio", "aiohttp")}
    captured = io.StringIO()
    configure("info", captured)
    yield captured
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(sentence: str) -> None:
    raise ValueError(sentence)


TOKEN = f"eyJhbGciOiJSUzI1NiJ9.eyJ{CANARY.replace('-', 'X')}aaaa.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: bearer {CANARY}",
        f"fetching https://user:{CANARY}@example.com/model",
        f"GET https://example.com/x?X-Amz-Signature={CANARY}&a=1",
        f"GET https://example.com/x?a=1&access_token={CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    ],
)
def test_a_secret_in_a_text_is_cut_out(text: str) -> None:
    assert CANARY not in redacted(text)
    assert REDACTED in redacted(text)


@pytest.mark.parametrize(
    "key", ["Authorization", "token", "db_password", "client-secret", "apiKey", "private_key", "Set-Cookie"]
)
def test_a_value_whose_key_names_a_secret_is_not_shown(key: str) -> None:
    assert CANARY not in json.dumps(redacted({"outer": [{key: CANARY}]}))


@pytest.mark.parametrize(
    "text",
    [
        "TrainingJob research/newswire-topics: attempt 1 started",
        "pvc://models/newswire-topics?",
        "https://huggingface.co/model/resolve/main/config.json",
        "tokensPerExample is 110",
        "sha256:" + "a" * 64,
    ],
)
def test_what_is_no_secret_is_shown_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_every_way_into_the_log_is_redacted(stream: io.StringIO) -> None:
    logging.getLogger("somebody").warning("got Bearer %s", CANARY)
    structlog.get_logger("ours").warning("request failed", headers={"Authorization": f"Bearer {CANARY}"})
    try:
        fail(f"https://user:{CANARY}@example.com/ cannot be read")
    except ValueError:
        logging.getLogger("somebody").exception("failed with %s", TOKEN)
    logging.getLogger("somebody").warning("structured", extra={"password": CANARY})
    assert len(entries(stream)) == 4
    assert CANARY not in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_each_line_is_one_json_object_with_time_level_and_logger(stream: io.StringIO) -> None:
    logging.getLogger("coppice.x").warning("a\nmultiline \u2028 message")
    (entry,) = entries(stream)
    assert entry["event"] == "a\nmultiline \u2028 message"
    assert (entry["level"], entry["logger"]) == ("warning", "coppice.x")
    assert entry["timestamp"].endswith("Z")


def test_a_traceback_is_part_of_its_entry(stream: io.StringIO) -> None:
    try:
        fail("no such thing")
    except ValueError:
        logging.getLogger("coppice.x").exception("failed")
    (entry,) = entries(stream)
    assert "no such thing" in entry["exception"]


def test_the_frameworks_chatter_is_left_out(stream: io.StringIO) -> None:
    logging.getLogger("kopf.objects").info("Handler 'door' succeeded.")
    logging.getLogger("kopf.objects").warning("something is wrong")
    assert [entry["event"] for entry in entries(stream)] == ["something is wrong"]
