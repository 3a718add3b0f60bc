import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";

test("the end of the process leaves no number below 3 to a worker thread that starts", async () => {
  const { status, signal, stderr } = await runScript(`
    import { Worker } from "node:worker_threads";
    import { prepareExit } from "./exit.ts";
    prepareExit();
    // Options keep the fast end out.
    process.execArgv.push("--no-warnings");
    for (let count = 0; count < 16; count++) new Worker("", { eval: true });
    process.exit(3);
  `);
  expect({ status, signal, stderr }).toEqual({ status: 3, signal: null, stderr: "" });
});
