import { expect, test } from "vitest";
import { remoteEngine } from "../../src/engines/api/remote-engine.ts";

const nowhere = { HOME: "/nowhere" };

test.each([
  ["ssh://box", { kind: "ssh", destination: "box", port: undefined, socketPath: undefined }],
  ["ssh://me@box:2222", { kind: "ssh", destination: "me@box", port: "2222", socketPath: undefined }],
  ["ssh://me@box/run/d.sock", { kind: "ssh", destination: "me@box", port: undefined, socketPath: "/run/d.sock" }],
  ["tcp://box", { kind: "tcp", host: "box", port: 2375, tls: undefined }],
  ["tcp://[fe80::1]:99", { kind: "tcp", host: "fe80::1", port: 99, tls: undefined }],
  ["https://box", expect.objectContaining({ kind: "tcp", port: 2376, tls: expect.objectContaining({ verify: true }) })],
])("%s is a remote engine", (address, transport) => {
  expect(remoteEngine(address, nowhere)).toMatchObject({ address, source: "--engine", transport });
  expect(remoteEngine(undefined, { ...nowhere, DOCKER_HOST: address })).toMatchObject({
    source: "DOCKER_HOST",
    transport,
  });
});

test.each([["unix:///run/docker.sock"], ["/run/docker.sock"], ["all"], ["docker"], [undefined]])(
  "%s is not a remote engine",
  (explicit) => {
    expect(remoteEngine(explicit, nowhere)).toBeUndefined();
  },
);

test.each(["ssh://", "tcp://:2375", "ssh://-oProxyCommand=x", "ssh://box/run/a b", "ssh://box/$(id)", "ssh://box`id`"])(
  "%s is refused, because ssh or a shell would misinterpret it",
  (address) => {
    expect(() => remoteEngine(address, nowhere)).toThrow(/^--engine: invalid engine address/);
  },
);

test("docker's variables enable TLS with its port", () => {
  const env = { ...nowhere, DOCKER_HOST: "tcp://box", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nowhere" };
  const tls = { ca: undefined, cert: undefined, key: undefined, verify: true };
  expect(remoteEngine(undefined, env)?.transport).toEqual({ kind: "tcp", host: "box", port: 2376, tls });
});
