import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fakeEngine } from "../engines/fake-engine.ts";
import { type User, user } from "../helpers/porthole.ts";

/* A script stands in for ssh(1). It records its calls, one line each. */

/** Returns a user whose DOCKER_HOST is `ssh://box`, and the calls of `ssh` so far. */
function withSsh(script: string): { by: User; calls: () => string[] } {
  const by = user();
  const bin = `${by.directory}/bin`;
  mkdirSync(bin);
  const log = `${by.directory}/calls`;
  writeFileSync(log, "");
  writeFileSync(`${bin}/ssh`, `#!/bin/sh\necho "$*" >> '${log}'\n${script}\n`, { mode: 0o755 });
  Object.assign(by.env, { PATH: `${bin}:${by.env.PATH}`, DOCKER_HOST: "ssh://box" });
  return { by, calls: () => readFileSync(log, "utf8").trim().split("\n").filter(Boolean) };
}

const said = (text: string, status: number) => `echo '${text}' >&2; exit ${status}`;

describe("a host that ssh cannot reach", () => {
  test.each([
    [
      "a refused key",
      said("me@box: Permission denied (publickey).", 255),
      "me@box: Permission denied (publickey). (the host accepts none of your keys: check ssh box, ssh-add -l and its authorized_keys)",
    ],
    [
      "an unknown name",
      said("ssh: Could not resolve hostname box: Name or service not known", 255),
      "ssh: Could not resolve hostname box: Name or service not known (check the connection: ssh box docker info)",
    ],
    [
      "a changed host key",
      said("Host key verification failed.", 255),
      "Host key verification failed. (run ssh box once and check the host's key)",
    ],
    ["an end without a message", "exit 255", "ssh ended with status 255 (check the connection: ssh box docker info)"],
  ])("%s is one line with the remedy, after one attempt", async (_, script, message) => {
    const { by, calls } = withSsh(script);
    expect(await by.run(["cat", "web:/f"])).toMatchObject({
      ...{ code: 3, text: "" },
      stderr: `porthole: cannot connect to the container engine at ssh://box (DOCKER_HOST): ${message}\n`,
    });
    expect(calls()).toHaveLength(1);
  });

  test("no ssh is one line with the remedy", async () => {
    const by = user();
    const env = { DOCKER_HOST: "ssh://box", PATH: "/nowhere" };
    expect(await by.run(["cat", "web:/f"], { env })).toMatchObject({
      ...{ code: 3, text: "" },
      stderr:
        "porthole: cannot connect to the container engine at ssh://box (DOCKER_HOST): ssh is not installed (install it, such as with apt-get install openssh-client)\n",
    });
  });
});

describe("a host without a usable engine", () => {
  test.each([
    [
      "no docker",
      said("bash: line 1: docker: command not found", 127),
      "bash: line 1: docker: command not found (install docker there, or run porthole there: ssh -t box porthole ...)",
    ],
    [
      "a socket that the ssh user may not use",
      said(
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied",
        1,
      ),
      "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied (add the user there to the group of the socket, such as with sudo usermod -aG docker USER)",
    ],
    [
      "no engine",
      said("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", 1),
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running? (check the engine there: ssh box docker info)",
    ],
  ])("%s is one line with the remedy, after a look for an installed porthole", async (_, script, message) => {
    const { by, calls } = withSsh(script);
    expect(await by.run(["cat", "web:/f"])).toMatchObject({
      ...{ code: 3, text: "" },
      stderr: `porthole: cannot connect to the container engine at ssh://box (DOCKER_HOST): ${message}\n`,
    });
    expect(calls().map((call) => call.split(" -- ")[1])).toEqual([
      "box docker system dial-stdio",
      "box 'porthole' '--version'",
    ]);
  });
});

test("a command begins with its start in the helper, which needs no search", async () => {
  const requests: string[] = [];
  const { socketPath } = await fakeEngine((path) => {
    requests.push(path);
    return { status: 500, body: { message: "enough" } };
  });
  const program = `const s = require("net").connect(${JSON.stringify(socketPath)}); process.stdin.pipe(s).pipe(process.stdout);`;
  const { by, calls } = withSsh(`exec '${process.execPath}' -e '${program}'`);
  const { code, stderr } = await by.run(["cat", "web:/f"]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: "porthole: enough\n" });
  expect(requests).toEqual([expect.stringMatching(/^POST \/containers\/porthole-helper-[0-9a-f]{12}\/exec$/)]);
  expect(calls()).toHaveLength(1);
});

test("a command on local files does not call ssh", async () => {
  const { by, calls } = withSsh("exit 255");
  writeFileSync(`${by.directory}/f`, "text\n");
  expect(await by.run(["cat", `${by.directory}/f`])).toMatchObject({ code: 0, text: "text\n", stderr: "" });
  expect(calls()).toEqual([]);
});
