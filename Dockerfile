# Images of Coppice. Targets:
#   operator   the controller: no torch
#   trainer    what runs in a training pod: no kopf
# Dependencies are one layer, made from the lock file alone, and the source is another on top of it: an edit of the
# source rebuilds in seconds and moves kilobytes. BASE is any image with python3 (3.11 or newer) and its venv module.
# Stages hand over files by COPY only: old builders (buildah 1.28) lose `RUN --mount=from=` when the stage is cached.
ARG BASE=docker.io/library/python:3.13-slim-trixie
ARG UV_VERSION=0.13.9

FROM ${BASE} AS builder
ARG UV_VERSION
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir uv==${UV_VERSION} "hatchling>=1.27"
WORKDIR /build

# What the lock file says for each image, as requirements with hashes: the dependency layers below depend on these
# texts only, so an edit of pyproject.toml that changes no dependency rebuilds none.
FROM builder AS locks
COPY pyproject.toml uv.lock ./
RUN for image in operator trainer; do \
      /opt/uv/bin/uv export --quiet --frozen --no-dev --no-emit-project --no-header --extra $image -o $image.txt; \
    done

# Our own package alone, installed where the images keep theirs.
FROM builder AS source
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN python3 -m venv --without-pip /opt/venv \
    && /opt/uv/bin/python -m hatchling build --target wheel --directory /wheel \
    && /opt/uv/bin/uv pip install --quiet --offline --no-cache --no-deps --python /opt/venv/bin/python /wheel/*.whl \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib

# What both images share. Everything that may be written at run time goes below /tmp, which pods mount as a volume:
# the root file system can be read-only and the user need not exist in /etc/passwd.
FROM ${BASE} AS runtime
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    USER=coppice \
    HF_HOME=/tmp/huggingface \
    XDG_CACHE_HOME=/tmp/.cache \
    XDG_CONFIG_HOME=/tmp/.config \
    XDG_DATA_HOME=/tmp/.local/share
RUN python3 -m venv --without-pip /opt/venv && mkdir -p /opt/coppice/models /opt/coppice/data
WORKDIR /tmp

FROM runtime AS operator-dependencies
ARG UV_VERSION
COPY --from=locks /build/operator.txt /opt/requirements.txt
RUN export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    && python3 -m venv /tmp/uv && /tmp/uv/bin/pip install --quiet --no-cache-dir uv==${UV_VERSION} \
    && /tmp/uv/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python --require-hashes \
       --compile-bytecode -r /opt/requirements.txt \
    && rm -rf /tmp/uv

FROM runtime AS trainer-dependencies
ARG UV_VERSION
COPY --from=locks /build/trainer.txt /opt/requirements.txt
RUN export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    && python3 -m venv /tmp/uv && /tmp/uv/bin/pip install --quiet --no-cache-dir uv==${UV_VERSION} \
    && /tmp/uv/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python --require-hashes \
       --compile-bytecode -r /opt/requirements.txt \
    && rm -rf /tmp/uv

# One thread for numpy's linear algebra, which the operator does not use: it would start one for each core of the node.
FROM operator-dependencies AS operator
ENV OPENBLAS_NUM_THREADS=1
COPY --from=source /opt/venv /opt/venv
USER 65532:65532
ENTRYPOINT ["coppice-operator"]

FROM trainer-dependencies AS trainer
COPY --from=source /opt/venv /opt/venv
USER 65532:65532
ENTRYPOINT ["python", "-m", "coppice.trainer"]
