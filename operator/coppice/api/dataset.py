"""The data of a job, and the words that say what data and models are about: URIs, tasks, domains, languages."""

from typing import Annotated

from pydantic import ConfigDict, Field

from coppice.api.base import SENTENCE, DecimalString, Model, Sha256, ShortText, matching
from coppice.api.rules import rules
from coppice.api.vocabulary import DataFormat

# No credentials, no query, no fragment and no `..` in any URI: a URI is shown in status and logs.
URI_PATTERN = r"^(pvc://[a-z0-9][a-z0-9.-]*/|file:///|https://[A-Za-z0-9.-]+(:[0-9]+)?/)[A-Za-z0-9._/+=,~-]*$"
URI_SENTENCE = "must be pvc://CLAIM/PATH, file:///PATH or https://HOST/PATH, without credentials, query or fragment"
PARENT_SENTENCE = "must not contain '..': name the path from the root of its source"
Uri = Annotated[
    str,
    Field(
        pattern=URI_PATTERN,
        max_length=1024,
        json_schema_extra={
            SENTENCE: URI_SENTENCE,
            **rules(("!self.matches('(^|/)[.][.](/|$)')", PARENT_SENTENCE)),
        },
    ),
]
Task = Annotated[
    str, matching(r"^[a-z0-9]+(-[a-z0-9]+)*$", 64, "must be a Hugging Face pipeline tag, such as text-classification")
]
Domain = Annotated[
    str, matching(r"^[a-z0-9-]+(/[a-z0-9-]+)*$", 64, "must be a path of lower-case words, such as text/news")
]
Language = Annotated[
    str, matching(r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", 35, "must be a BCP 47 language, such as en or pt-BR")
]


class Dataset(Model):
    """The examples to learn from and those to be judged by."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!self.uri.startsWith('https://') || has(self.digest)",
                "dataset.digest is required for an https source: add digest: sha256:<hex> of the file at uri",
            ),
            (
                "!has(self.evaluationURI) || !self.evaluationURI.startsWith('https://') || has(self.evaluationDigest)",
                "dataset.evaluationDigest is required for an https source: add the sha256 of the file at evaluationURI",
            ),
            (
                "!has(self.labelNames) || size(self.labelNames) == 0 || !has(self.labels) || size(self.labelNames) == self.labels",
                "dataset.labelNames must name as many classes as dataset.labels counts",
            ),
        )
    )

    uri: Uri = Field(
        description="Training data: pvc://CLAIM/PATH, file:///PATH below a fixed root, or https://HOST/PATH."
    )
    evaluation_uri: Uri | None = Field(
        default=None,
        alias="evaluationURI",
        description="Held-out data, read once at the end of each attempt. Without it a seeded tenth of uri is held out.",
    )
    format: DataFormat = Field(default=DataFormat.PARQUET, description="How the files are stored.")
    columns: dict[str, Annotated[str, Field(max_length=128)]] = Field(
        default_factory=dict,
        max_length=8,
        description="Which column plays which part, such as text: body, image: pixels, label: topic.",
    )
    examples: int = Field(ge=1, le=10**12, description="Number of training examples.")
    tokens_per_example: int | None = Field(
        default=None, ge=1, le=10**7, description="Tokens of a typical example; text tasks. Unset: 128 is assumed."
    )
    labels: int | None = Field(default=None, ge=2, le=10**6, description="Number of classes; classification tasks.")
    label_names: list[Annotated[str, Field(max_length=128)]] = Field(
        default_factory=list,
        max_length=1024,
        description="Names of those classes. With them a model whose head knows them can be used as it is.",
    )
    license: ShortText | None = Field(default=None, description="SPDX identifier or LicenseRef-… of the data.")
    digest: Sha256 | None = Field(default=None, description="sha256 of the file at uri; verified before it is read.")
    size_bytes: int | None = Field(default=None, ge=1, le=2**50, description="Bytes of the file at uri; verified.")
    evaluation_digest: Sha256 | None = Field(default=None, description="sha256 of the file at evaluationURI; verified.")
    evaluation_size_bytes: int | None = Field(
        default=None, ge=1, le=2**50, description="Bytes of evaluationURI; verified."
    )
    price: DecimalString | None = Field(
        default=None,
        description="What using the data for this job costs, in the installation's currency; part of every plan's cost.",
    )
