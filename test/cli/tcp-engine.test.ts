import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, describe, expect, test } from "vitest";
import { user } from "../helpers/porthole.ts";

/* Engines that fail to answer. The errors have no words of Node or OpenSSL's internals. */

const someone = user();
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** Runs a command on an engine; returns the error without the address. */
async function errorAt(port: number, { host = "127.0.0.1", tls = "" } = {}): Promise<string> {
  const address = `tcp://${host}:${port}`;
  const certificates = tls === "" ? {} : { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tls };
  const { stderr, code } = await someone.run(["cat", "web:/f"], { env: { DOCKER_HOST: address, ...certificates } });
  expect(code).toBe(3);
  return stderr.replaceAll(address, "ENGINE").replace("porthole: cannot connect to the container engine at ", "");
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const answering = (text: string) =>
  listening(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end(text);
    }),
  );

const CHECK = "check that the engine listens there: docker -H ENGINE info";

test("an address where no engine listens", async () => {
  expect(await errorAt(1)).toBe(`ENGINE (DOCKER_HOST): connection refused (${CHECK})\n`);
  expect(await errorAt(1, { host: "localhost" })).toBe(`ENGINE (DOCKER_HOST): connection refused (${CHECK})\n`);
});

test("a host name that is not known", async () => {
  expect(await errorAt(2375, { host: "nosuch.invalid" })).toMatch(
    /^ENGINE \(DOCKER_HOST\): the host's name (is not known|cannot be resolved now) \(check .*\)\n$/,
  );
});

test("a server that is no engine", async () => {
  const hint = "the engine requires TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a docker context";
  expect(await errorAt(await answering("hello\r\n\r\n"))).toBe(
    `ENGINE (DOCKER_HOST): the response is not HTTP (${hint})\n`,
  );
  expect(await errorAt(await answering(""))).toBe(
    `ENGINE (DOCKER_HOST): the engine closed the connection without a response (${hint})\n`,
  );
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("TLS", () => {
  const directory = `${someone.directory}/tls`;
  const certificate = (name: string, subject: string) => {
    const at = `${directory}/${name}`;
    mkdirSync(at, { recursive: true });
    const how = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${subject}`];
    const { status } = spawnSync("openssl", ["req", ...how, "-keyout", `${at}/key.pem`, "-out", `${at}/cert.pem`]);
    expect(status).toBe(0);
    spawnSync("cp", [`${at}/cert.pem`, `${at}/ca.pem`]);
    return at;
  };

  test("a certificate that is not accepted, or no TLS at the other end", async () => {
    const [theirs, other] = [certificate("theirs", "elsewhere"), certificate("other", "other")];
    const [key, cert] = ["key.pem", "cert.pem"].map((file) => readFileSync(`${theirs}/${file}`));
    const port = await listening(createTlsServer({ key, cert }, (socket) => socket.end()));
    const hint = "check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or of the docker context";
    expect(await errorAt(port, { tls: theirs })).toBe(
      `ENGINE (DOCKER_HOST): TLS failed: the engine's certificate is not for 127.0.0.1 (${hint})\n`,
    );
    expect(await errorAt(port, { tls: other })).toBe(
      `ENGINE (DOCKER_HOST): TLS failed: self-signed certificate (${hint})\n`,
    );
    expect(await errorAt(await answering("hello\r\n\r\n"), { tls: theirs })).toBe(
      "ENGINE (DOCKER_HOST): TLS failed: wrong version number " +
        "(the engine there does not use TLS: unset DOCKER_TLS_VERIFY, or check the docker context)\n",
    );
  });
});
