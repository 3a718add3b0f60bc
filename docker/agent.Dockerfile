# Builds the agent on a machine without a C compiler, as a program or as an image FROM scratch. From
# the root of the repository:
#
#   docker build -f docker/agent.Dockerfile --target program --output agent/build agent     # agent/build/porthole-agent
#   docker build -f docker/agent.Dockerfile -t localhost/porthole-agent:$(sha256sum agent/build/porthole-agent | cut -c1-16) agent
#
# porthole never pulls an image. Its sidecar route imports the same image from its own agent, named
# by the agent's hash as above, unless the engine has it. Build it with this file if images have to
# pass a registry or a scanner first.
#
# The base is named by version; pass --build-arg BASE=alpine@sha256:... to get the same bytes in any
# year. BASE may be any image with a C compiler for musl. Then set TOOLS to the command that
# installs the tools (`true` for no command) and CC to the name of the compiler.
ARG BASE=alpine:3.20
FROM ${BASE} AS build
ARG TOOLS="apk add --no-cache gcc make musl-dev"
ARG CC=gcc
RUN ${TOOLS}
COPY . /agent
RUN make -C /agent clean && make -C /agent CC="${CC}" build/porthole-agent

FROM scratch AS program
COPY --from=build /agent/build/porthole-agent /porthole-agent

# No ENTRYPOINT: porthole passes the whole command line.
FROM scratch
COPY --from=build /agent/build/porthole-agent /agent
CMD ["/agent", "--version"]
