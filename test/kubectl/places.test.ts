import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { amount } from "../helpers/extent.ts";
import { repository } from "../helpers/paths.ts";

/**
 * Stands in for kubectl and its nodes: no test machine has room for 50. Line I of node K has the
 * time I * NODES + K microseconds, and belongs to the node's pod I modulo FILES.
 */
const KUBECTL = `#!/bin/sh
case " $* " in
*" exec "*)
  for word; do case $word in porthole-*) node=\${word#porthole-} ;; esac; done
  awk -v k="$node" -v nodes="$NODES" -v lines="$LINES" -v files="$FILES" 'BEGIN {
    for (i = 0; i < lines; i++) {
      time = i * nodes + k
      printf "{\\"target\\":\\"pod:shop/web-%d-%d:@logs\\",\\"line\\":\\"%d %d\\",\\"time\\":\\"2026-01-02T03:04:%02d.%06d000Z\\"}\\n", k, i % files, i, k, time / 1000000, time % 1000000
    }
  }'
  printf '\\0porthole-end exit 0\\n' >&2 ;;
*" porthole "*) for k in $(seq 0 $((NODES - 1))); do echo "porthole porthole-$k n$k Running <none> app <none> <none> <none>"; done ;;
*) for k in $(seq 0 $((NODES - 1))); do echo "shop web-$k n$k Running <none> app <none> <none> <none>"; done ;;
esac
`;

test.each([
  { nodes: 2, files: 200, lines: amount(100_000, 20_000) },
  { nodes: 50, files: 4, lines: amount(2000, 500) },
])(
  "tail --merge of $nodes nodes with $files files each prints each line once and in order",
  async ({ nodes, files, lines }) => {
    const directory = mkdtempSync(`${inject("machine").directory}/places-`);
    writeFileSync(`${directory}/kubectl`, KUBECTL);
    chmodSync(`${directory}/kubectl`, 0o755);
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
