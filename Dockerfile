# regpass for jobs that run in containers: one static program, CA certificates, and BusyBox for the shell that CI systems
# run scripts with.
#
#   regpass build --platform linux/amd64,linux/arm64 --build-arg VERSION=v1.2.3 -t ghcr.io/regpass/regpass:1.2.3 --push .
#
# The bases are pinned to a version, not yet to a digest: it goes behind the version, as golang:1.26.8-alpine@sha256:….
# Nothing of a base is in the program, which is checked to be the one of the release, and of BusyBox's image comes the shell.

FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=
ARG TARGETOS
ARG TARGETARCH
# The same flags as those of tools/release, so that the program is that of the release, byte for byte.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOAMD64=v1 GOARM64=v8.0 \
    go build -trimpath -buildvcs=false -ldflags="-s -w -X main.releaseVersion=$VERSION" -o /out/usr/bin/regpass ./cmd/regpass
# The last stage runs nothing, for it may be of an architecture that this machine can't run: what it needs is made here.
RUN mkdir -p /out/etc/ssl/certs /out/home/regpass && \
    cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ && \
    echo 'root:x:0:0:root:/root:/bin/sh' > /out/etc/passwd && \
    echo 'regpass:x:65532:65532:regpass:/home/regpass:/bin/sh' >> /out/etc/passwd && \
    printf 'root:x:0:\nregpass:x:65532:\n' > /out/etc/group

FROM busybox:1.37.0-musl
COPY --from=build /out/etc/ /etc/
COPY --from=build /out/usr/bin/regpass /usr/bin/regpass
COPY --from=build --chown=65532:65532 --chmod=700 /out/home/regpass /home/regpass
# A number, so that Kubernetes can tell that it isn't root. GitLab's runner lets everybody write to the folder that it checks
# out into, so its jobs need no root either; a job that does says so: `image: {name: …, docker: {user: root}}`.
USER 65532:65532
ENV HOME=/home/regpass
WORKDIR /home/regpass
# No ENTRYPOINT: GitLab, CircleCI and Jenkins start a shell in the image, and would start regpass with its name instead.
CMD ["regpass"]
ARG VERSION=
LABEL org.opencontainers.image.title="regpass" \
      org.opencontainers.image.description="Short-lived registry credentials for builds" \
      org.opencontainers.image.url="https://github.com/regpass/regpass" \
      org.opencontainers.image.source="https://github.com/regpass/regpass" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
