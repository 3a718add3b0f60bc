import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { screenOfTest } from "../tui/screen.ts";
import { bundleScript, runScript } from "./run-script.ts";

test("the end of the process leaves no number below 3 to a worker thread that starts", async () => {
  const { status, signal, stderr } = await runScript(`
    import { Worker } from "node:worker_threads";
    import { prepareExit } from "./processes/exit.ts";
    prepareExit();
    // Options keep the fast end out.
    process.execArgv.push("--no-warnings");
    for (let count = 0; count < 16; count++) new Worker("", { eval: true });
    process.exit(3);
  `);
  expect({ status, signal, stderr }).toEqual({ status: 3, signal: null, stderr: "" });
});

describeWith("tmux", "the end of a process on a terminal", () => {
  const screen = screenOfTest();

  test("does not wait for a thread that waits", async () => {
    const fifo = `${screen.directory}/fifo`;
    execFileSync("mkfifo", [fifo]);
    const script = await bundleScript(`
      import { open } from "node:fs";
      import { prepareExit } from "./processes/exit.ts";
      prepareExit();
      // A thread of libuv opens it, and waits for a writer.
      open("${fifo}", "r", () => {});
      process.stdout.write("");
      setImmediate(() => process.exit(3));
    `);
    screen.run(`${process.execPath} ${script}`);
    expect(await screen.waitForEnd()).toBe(3);
  });

  test("restores modes that the process has changed", async () => {
    const script = await bundleScript(`
      import { prepareExit } from "./processes/exit.ts";
      import { RawMode } from "./terminal/raw-mode.ts";
      prepareExit();
      new RawMode(0).enable();
      process.exit(4);
    `);
    const at = screen.directory;
    screen.run(
      `sh -c 'stty -g > ${at}/before; ${process.execPath} ${script}; status=$?; stty -g > ${at}/after; exit $status'`,
    );
    expect(await screen.waitForEnd()).toBe(4);
    expect(readFileSync(`${at}/after`, "utf8")).toBe(readFileSync(`${at}/before`, "utf8"));
  });
});
