import { expect, test } from "vitest";
import { runScript } from "../descriptors/run-script.ts";

test("a signal that arrives at the end of an action ends the process", async () => {
  const { status, signal, stderr } = await runScript(`
    import { interruptible } from "../../cli/targets/interruptible.ts";
    await interruptible(async (signal) => {
      signal();
      process.kill(process.pid, "SIGTERM");
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.exit(3);
  `);
  expect({ status, signal, stderr }).toEqual({ status: null, signal: "SIGTERM", stderr: "" });
});

test("an action has no signal handlers before it needs its signal", async () => {
  const { stdout, stderr } = await runScript(`
    import { interruptible } from "../../cli/targets/interruptible.ts";
    await interruptible(async (signal) => {
      const before = process.listenerCount("SIGINT");
      signal();
      console.log(before, process.listenerCount("SIGINT"));
    });
    console.log(process.listenerCount("SIGINT"));
  `);
  expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: "0 1\n0\n", stderr: "" });
});
