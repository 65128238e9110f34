"""What each task reads and which methods the built-in trainer has for it.

A task that is not here can still be registered and asked for; then only a user's own container can serve it, because
saying yes to a method that nothing implements would fail after the pods were paid for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from coppice.api.vocabulary import Method

BUILT_IN = frozenset(
    {Method.AS_IS, Method.LINEAR_PROBE, Method.LORA, Method.FULL_FINE_TUNE, Method.FROM_SCRATCH},
)
"""Methods of the built-in trainer; QLoRA is a word of the vocabulary that it does not know yet."""


@dataclass(frozen=True)
class Task:
    """The kinds of data that serve a task, and the built-in trainer's methods for it (none: it does not know it)."""

    modalities: frozenset[str]
    methods: frozenset[Method] = frozenset()


_TEXT, _IMAGE, _AUDIO = (frozenset({kind, "multimodal"}) for kind in ("text", "image", "audio"))

TASKS: Mapping[str, Task] = {
    "text-classification": Task(_TEXT, BUILT_IN),
    "image-classification": Task(_IMAGE, BUILT_IN),
    "token-classification": Task(_TEXT),
    "question-answering": Task(_TEXT),
    "text-generation": Task(_TEXT),
    "summarization": Task(_TEXT),
    "translation": Task(_TEXT),
    "fill-mask": Task(_TEXT),
    "sentence-similarity": Task(_TEXT),
    "feature-extraction": Task(_TEXT | _IMAGE | _AUDIO),
    "object-detection": Task(_IMAGE),
    "image-segmentation": Task(_IMAGE),
    "audio-classification": Task(_AUDIO),
    "automatic-speech-recognition": Task(_AUDIO),
}
"""Hugging Face pipeline tags that Coppice knows something about."""


def modality(task: str) -> str:
    """What a model made for the task reads; text where the task is not known."""
    known = TASKS[task].modalities if task in TASKS else frozenset({"text"})
    return next(kind for kind in ("text", "image", "audio") if kind in known)
