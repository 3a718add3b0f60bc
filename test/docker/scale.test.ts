import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { addContext } from "../helpers/docker-contexts.ts";
import { busyboxImage, uniqueName } from "../helpers/engine.ts";
import { amount, counted } from "../helpers/extent.ts";
import { type FarEngine, startFarEngine } from "../helpers/far-engine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { findProcesses, peakMemoryMb } from "../helpers/processes.ts";
import { type SshServer, sshOnPath, startSshd } from "../helpers/sshd.ts";
import { waitFor } from "../helpers/wait-for.ts";

const NODES = ["one", "two"];
const FILES = amount(200, 20);
const LINES = amount(100_000, 4_000);
/** Number of lines that are written every {@link ROUND_MS} milliseconds: 20,000 a second. */
const [ROUND_LINES, ROUND_MS] = [200, 10];
const MEMORY_MB = 150;

describeWith(["docker", "sshd", "root"], "a merged follow of many files on two engines behind ssh", () => {
  let server: SshServer;
  const machines: FarEngine[] = [];
  let by: User;
  let name: string;
  /** Paths of the followed files on this machine, node by node. */
  const paths: string[] = [];

  beforeAll(async () => {
    server = await startSshd();
    by = user();
    Object.assign(by.env, { PATH: `${sshOnPath(server)}:${by.env.PATH}` });
    for (const node of NODES) {
      const machine = await startFarEngine();
      machines.push(machine);
      addContext(`${by.env.HOME}/.docker`, node, `ssh://root@127.0.0.1:${server.port}${machine.far.socket}`);
      name = uniqueName("many");
      const script = `: ${name}; while :; do /bin/busybox sleep 1000; done`;
      const container = await machine.far.api.createContainer({
        ...{ name: "many", Image: await busyboxImage(machine.far), Cmd: ["/bin/sh", "-c", script] },
        HostConfig: { NetworkMode: "none" },
      });
      await container.start();
      const [pid] = findProcesses(({ args }) => args.includes(script));
      mkdirSync(`/proc/${pid}/root/d`);
      for (let index = 0; index < FILES; index++) paths.push(`/proc/${pid}/root/d/${index}.log`);
    }
  });

  afterAll(async () => {
    await by?.close();
    for (const machine of machines) await machine.stop();
    await server?.stop();
  });

  test(`prints each of ${counted(LINES)} lines of ${counted(NODES.length * FILES)} files once, with at most ${MEMORY_MB} MB here`, async () => {
    const files = paths.map((path) => openSync(path, "a"));
    for (const file of files) writeSync(file, "2026-01-02T03:04:05Z ready\n");
    const running = by.start(["tail", "-F", "-n1", "--merge", ...NODES.map((node) => `${node}!many:/d/*.log`)]);
    const seen = new Uint8Array(LINES);
    let [ready, taken] = [0, 0];
    createInterface(running.stdout).on("line", (line) => {
      const word = line.slice(line.indexOf(" ") + 1);
      if (word === "ready") ready++;
      else {
        const number = Number(word);
        seen[number] = (seen[number] ?? 0) + 1;
        taken++;
      }
    });
    await waitFor("the last line of each file", () => ready === files.length || running.complaints() !== "");
    expect(running.complaints()).toBe("");

    const began = performance.now();
    for (let number = 0; number < LINES; ) {
      for (let end = Math.min(LINES, number + ROUND_LINES); number < end; number++)
        writeSync(files[(number * 7) % files.length] as number, `${new Date().toISOString()} ${number}\n`);
      await sleep(Math.max(0, began + (number / ROUND_LINES) * ROUND_MS - performance.now()));
    }
    await waitFor("all lines", () => taken >= LINES);
    const memory = peakMemoryMb(running.pid);
    for (const file of files) closeSync(file);
    running.child.kill("SIGTERM");
    await running.ended;
    expect({ taken, once: seen.filter((count) => count === 1).length }).toEqual({ taken: LINES, once: LINES });
    expect(memory).toBeLessThanOrEqual(MEMORY_MB);
  });
});
