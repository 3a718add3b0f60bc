# An image of porthole, for publishing. From the root of the repository:
#
#   docker build -f docker/porthole.Dockerfile -t registry.example/porthole .
#   docker run --rm -it --pid host --privileged -v /run/docker.sock:/run/docker.sock registry.example/porthole
#
# Its files are made by `porthole image`, so that both images are the same. An installation of
# porthole makes its own image without a registry: porthole image --load.
#
# The base is named by version; pass --build-arg BASE=node@sha256:... to get the same bytes in any
# year. BASE may be any image with Node, npm, make, a C compiler, sh and tar. BUILD builds porthole
# in it.
ARG BASE=node:22-bookworm
FROM ${BASE} AS build
ARG BUILD="node build.mjs"
COPY . /source
WORKDIR /source
RUN ${BUILD} && mkdir /image && node dist/porthole.js image | tar -xO layer.tar | tar -xC /image

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LANG=C.UTF-8
WORKDIR /
ENTRYPOINT ["/usr/local/bin/node", "/porthole/dist/porthole.js"]
