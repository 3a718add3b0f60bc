import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, timePiped } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const BLOCK = 8 * 1024 * 1024;
/** In blocks: 1 GiB and 64 MiB. */
const LOGS = { log: 128, short: 8 };
const LITERAL = "upstream timed out";
const EVERY = "10:00:00";
const EXPRESSION = 'HTTP/1\\.[01]" 50[234] [0-9]+ .*bot';

/** Against ripgrep on the same file by way of /proc/PID/root. */
export const grepLog: Case = {
  title:
    "a search of a log of 1 GiB in the container for what is rare in it, and of 64 MiB beside grep in the container",
  goals: [
    { text: ">= 3 GB/s (<= 358 ms)", result: "literal: porthole grep", of: "median", atMost: 358 },
    { text: ">= 1.5 GB/s (<= 716 ms)", result: "regex: porthole grep", of: "median", atMost: 716 },
  ],
  needs: ["rg"],
  run: searchLog,
};

async function searchLog(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  const folder = `${container.root}/data`;
  mkdirSync(folder, { recursive: true });
  for (const [log, blocks] of Object.entries(LOGS)) writeLog(`${folder}/${log}`, blocks);
  const results: Result[] = [];
  try {
    for (const [what, pattern, syntax, log] of [
      ["literal", LITERAL, "-F", "log"],
      ["regex", EXPRESSION, "-E", "log"],
      ["literal, 64 MiB", LITERAL, "-F", "short"],
      ["regex, 64 MiB", EXPRESSION, "-E", "short"],
      ["every line, 64 MiB", EVERY, "-F", "short"],
    ] as const) {
      const host = ["rg", "--no-mmap", pattern, `${folder}/${log}`];
      const ours = ["node", porthole, "grep", pattern, `${container.name}:/data/${log}`];
      const inside = ["docker", "exec", container.name, "/busybox", "grep", syntax, pattern, `/data/${log}`];
      // Busybox takes half a minute for a regular expression in a GiB.
      const all = [host, ours, ...(log === "short" ? [inside] : [])];
      const found = all.map(([command = "", ...args]) => run(command, args, env));
      if (found[0] === "" || new Set(found).size !== 1) throw new Error(`different lines were found for ${pattern}`);
      const timed = ([command = "", ...args]: readonly string[]) => ({ run: () => timePiped(command, args, env) });
      const contestants: Contestant[] = [
        { name: "rg --no-mmap", ...timed(host) },
        { name: "porthole grep", role: "ours", ...timed(ours) },
        ...(log === "short" ? [{ name: "docker exec grep", every: 5, ...timed(inside) }] : []),
      ];
      stage.profile(`${what}: porthole grep`, ours.slice(1));
      results.push(...(await compare(contestants, { group: what, rounds: 9 })));
    }
  } finally {
    for (const log of Object.keys(LOGS)) rmSync(`${folder}/${log}`, { force: true });
  }
  return results;
}

/** Lines of an access log, 8 MiB of them over and over; one line in 20,000 is about a time-out, one in 10,000 is a bot's error. */
function writeLog(path: string, blocks: number): void {
  let block = "";
  for (let line = 0; block.length < BLOCK; line++) {
    const status = line % 97 === 0 ? 502 : 200;
    const agent = line % 10_088 === 0 ? "Examplebot/2.1" : "Mozilla/5.0 (X11; Linux x86_64)";
    block +=
      line % 20_000 === 7
        ? `2026/11/23 10:00:00 [error] 29#29: *${line} upstream timed out (110: Connection timed out)\n`
        : `10.0.${line % 256}.${(line * 7) % 256} - - [23/Nov/2026:10:00:00 +0000] "GET /api/items/${line} HTTP/1.1" ${status} ${(line * 31) % 90_000} "-" "${agent}"\n`;
  }
  const bytes = Buffer.from(block);
  const fd = openSync(path, "w");
  for (let count = 0; count < blocks; count++) writeSync(fd, bytes);
  closeSync(fd);
}
