# syntax=docker/dockerfile:1

# This image brings the C compiler that SQLite and the cryptography need.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive a change of the sources: dependencies are compiled once.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package tertulia \
    && cp target/release/tertulia /usr/local/bin/tertulia

FROM debian:bookworm-slim
# The authorities that browsers trust too: for PostgreSQL with sslmode=verify-full, and for buckets.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 tertulia \
    && useradd --system --uid 10001 --gid tertulia --no-create-home --shell /usr/sbin/nologin tertulia \
    && install --directory --mode=0700 --owner=tertulia --group=tertulia /data
COPY --from=build /usr/local/bin/tertulia /usr/local/bin/tertulia
# Writes to /data only: the rest may be mounted read-only.
# By number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /data
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["tertulia", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tertulia"]
