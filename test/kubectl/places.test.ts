import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { amount } from "../helpers/extent.ts";
import { repository } from "../helpers/paths.ts";
import { writeSimulatedKubectl } from "../helpers/simulated-kubectl.ts";

test.each([
  { nodes: 2, files: 200, lines: amount(100_000, 20_000) },
  { nodes: 50, files: 4, lines: amount(2000, 500) },
])(
  "tail --merge of $nodes nodes with $files files each prints each line once and in order",
  async ({ nodes, files, lines }) => {
    const directory = mkdtempSync(`${inject("machine").directory}/places-`);
    writeSimulatedKubectl(directory);
    const [preload, peak] = [`${directory}/peak.cjs`, `${directory}/peak`];
    writeFileSync(
      preload,
      `process.on("exit", () => require("node:fs").writeFileSync("${peak}", String(process.resourceUsage().maxRSS)));`,
    );
    const numbers = { NODES: String(nodes), FILES: String(files), LINES: String(lines) };
    const child = spawn(
      process.execPath,
      [
        "--require",
        preload,
        `${repository}dist/kubectl-porthole.js`,
        "tail",
        "--merge",
        "-q",
        "-n",
        "+1",
        "-l",
        "app=web",
      ],
      { env: { PATH: `${directory}:${process.env.PATH}`, ...numbers }, stdio: ["ignore", "pipe", "inherit"] },
    );
    let text = "";
    let [count, firstWrong] = [0, ""];
    child.stdout.setEncoding("latin1").on("data", (piece: string) => {
      const whole = (text + piece).split("\n");
      text = whole.pop() ?? "";
      for (const line of whole) {
        if (firstWrong === "" && line !== `${Math.floor(count / nodes)} ${count % nodes}`)
          firstWrong = `${count}: ${line}`;
        count++;
      }
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect({ status, count, firstWrong, text }).toEqual({ status: 0, count: nodes * lines, firstWrong: "", text: "" });
    // The goal applies to two nodes: each additional connection adds its buffers.
    if (nodes === 2) expect(Number(readFileSync(peak, "utf8")) / 1024).toBeLessThan(150);
  },
);
