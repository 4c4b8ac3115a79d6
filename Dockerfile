# pairsift for the CPU (the default) and, with `--target cuda`, for NVIDIA cards. How to build, pin
# and run, and what was not run: docs/containers.md.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM ${PYTHON_IMAGE} AS base
# An own user, and folders that any user of the host (--user) can write to.
RUN groupadd --gid 10001 pairsift \
    && useradd --uid 10001 --gid 10001 --create-home pairsift \
    && install --directory --mode 1777 /cache /data
ENV HF_HOME=/cache \
    XDG_CACHE_HOME=/cache \
    HF_HUB_DISABLE_TELEMETRY=1 \
    PYTHONUNBUFFERED=1
COPY docker/constraints.txt /wheels/
COPY --from=wheel /wheels /wheels
WORKDIR /data
ENTRYPOINT ["pairsift"]
CMD ["--help"]

# PyTorch's own wheels bring CUDA; of the host only the driver is needed.
FROM base AS cuda
RUN python -m pip install --no-cache-dir --constraint /wheels/constraints.txt \
    "$(echo /wheels/pairsift-*.whl)[cloud,curate,torch]"
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001

FROM base AS cpu
RUN python -m pip install --no-cache-dir --constraint /wheels/constraints.txt \
    "$(echo /wheels/pairsift-*.whl)[cloud,curate]"
USER 10001:10001
