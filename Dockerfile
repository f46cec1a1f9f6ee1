# One image for every service: `stopline inbound | optout | api | sender`, `stopline topics create`, `stopline sandbox`.
FROM python:3.13-slim AS build

WORKDIR /build
RUN python -m venv --without-pip /opt/stopline
COPY requirements.lock requirements-dev.lock ./
# Every file is checked against the hash in the lock; nothing is compiled from source.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/stopline/bin/python install --retries 10 --require-hashes --only-binary :all: -r requirements.lock
# The build backend, out of the development lock, so that it is pinned and checked just the same.
RUN --mount=type=cache,target=/root/.cache/pip \
    awk '/^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ { wanted = 1 } \
         wanted { print } wanted && !/\\$/ { wanted = 0 }' requirements-dev.lock > build.lock \
    && pip install --retries 10 --require-hashes --only-binary :all: -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY services services
COPY harness harness
RUN pip wheel --no-deps --no-index --no-build-isolation -w dist . \
    && pip --python /opt/stopline/bin/python install --no-deps --no-index dist/*.whl

FROM python:3.13-slim

COPY --from=build /opt/stopline /opt/stopline
# A volume mounted here takes this owner over.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/stopline/cache
ENV PATH=/opt/stopline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/stopline
ENTRYPOINT ["stopline"]
CMD ["--help"]
