# The agent, built where no C compiler is at hand, and as an image FROM scratch. From the root of the repository:
#
#   docker build -f docker/agent.Dockerfile --target program --output agent/build agent     # agent/build/porthole-agent
#   docker build -f docker/agent.Dockerfile -t localhost/porthole-agent:$(sha256sum agent/build/porthole-agent | cut -c1-16) agent
#
# porthole never pulls: its sidecar route imports the same image from its own agent, named by the agent's hash as above, unless the engine has it.
# Build it here where images have to pass through a registry or a scanner first.
FROM alpine:3.20 AS build
RUN apk add --no-cache gcc make musl-dev
COPY . /agent
RUN make -C /agent clean build/porthole-agent CC=gcc

FROM scratch AS program
COPY --from=build /agent/build/porthole-agent /porthole-agent

# No ENTRYPOINT: porthole gives the whole command line.
FROM scratch
COPY --from=build /agent/build/porthole-agent /agent
CMD ["/agent", "--version"]
