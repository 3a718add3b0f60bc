import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { expect, inject, onTestFinished, test } from "vitest";
import { repository } from "../helpers/paths.ts";
import { isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/* A script stands in for kubectl(1). It records what it does in `$LOG`. */

const ROWS = "shop web-0 one Running <none> app <none> <none> <none>";
const SCRIPT = `#!/bin/sh
case "$*" in
*--watch*) echo "watch $$" >> "$LOG"; exec sleep 1000 ;;
*hanging*) echo "hang $$" >> "$LOG"; exec sleep 1000 ;;
*name=porthole*) ;;
*'get pods'*) echo '${ROWS}' ;;
*'get pod '*) echo '{}' ;;
*create*) echo create begins >> "$LOG"; while [ ! -e "$LOG.gate" ]; do sleep 0.05; done; echo create ends >> "$LOG" ;;
*exec*) echo "exec $$" >> "$LOG"; exec cat ;;
*delete*) echo "delete" >> "$LOG" ;;
esac
`;

/** Starts the plugin with the stand-in. `said` returns the lines of its log. */
function start(...args: string[]) {
  const directory = mkdtempSync(`${inject("machine").directory}/kubectl-`);
  const [log, bin] = [`${directory}/log`, `${directory}/bin`];
  mkdirSync(bin);
  writeFileSync(log, "");
  writeFileSync(`${bin}/kubectl`, SCRIPT, { mode: 0o755 });
  const env = { ...process.env, LOG: log, PATH: `${bin}:${process.env.PATH}` };
  const child = spawn(process.execPath, [`${repository}dist/kubectl-porthole.js`, ...args], { env, stdio: "ignore" });
  const open = () => writeFileSync(`${log}.gate`, "");
  onTestFinished(() => {
    child.kill("SIGKILL");
    open();
  });
  const said = () => readFileSync(log, "utf8").trim().split("\n");
  return { child, ended: once(child, "exit"), said, open };
}

/** The process of a line such as `watch 123`, once it is there. */
const processOf = (said: () => string[], name: string) =>
  waitFor(
    name,
    () =>
      Number(
        said()
          .find((line) => line.startsWith(`${name} `))
          ?.split(" ")[1],
      ) || undefined,
  );

test("SIGKILL of a follow ends its watch of the pods", async () => {
  const { child, ended, said } = start("tail", "-F", "--image", "i", "-l", "app=web", ":/log");
  const watch = await processOf(said, "watch");
  expect(isRunning(watch)).toBe(true);
  child.kill("SIGKILL");
  await ended;
  await waitFor("the watch to end", () => !isRunning(watch));
});

test("a signal during the creation of a helper pod removes the pod after its creation", async () => {
  const { child, ended, said, open } = start("cat", "--image", "i", "web-0:/f");
  await waitFor("the creation", () => said().includes("create begins"));
  child.kill("SIGTERM");
  open();
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(said()).toEqual(["create begins", "create ends", "delete"]);
});

test.each([["deploy/hanging:@logs"], ["hanging:@logs"]])(
  "SIGTERM ends the request for %s of a server that does not respond, and its kubectl",
  async (target) => {
    const { child, ended, said } = start("cat", target);
    const request = await processOf(said, "hang");
    child.kill("SIGTERM");
    expect(await ended).toEqual([null, "SIGTERM"]);
    await waitFor("the request to end", () => !isRunning(request));
  },
);
