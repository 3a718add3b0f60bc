import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, timePiped } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const BLOCK = 8 * 1024 * 1024;
/** Number of blocks in a log of 1 GiB. */
const BLOCKS = 128;
const LITERAL = "upstream timed out";
const EVERY = "10:00:00";
const EXPRESSION = 'HTTP/1\\.[01]" 50[234] [0-9]+ .*bot';

const FILES = 10_000;

/** Compares with ripgrep on the same files through /proc/PID/root. */
export const grepLog: Case = {
  title: "a search of a log of 1 GiB in the container, and of 10,000 files, beside the same ripgrep on the same files",
  goals: [
    ...["literal", "regex", "every line"].map((what) => ({
      text: "<= 1.1x rg + 1.5x node -e 0",
      result: `${what}: porthole grep`,
      of: "ratio" as const,
      atMost: 1,
    })),
    { text: "<= 1.1x rg + 1.5x node -e 0", result: "10,000 files: porthole grep", of: "ratio", atMost: 1 },
  ],
  needs: ["rg"],
  run: searchLog,
};

async function searchLog(stage: Stage): Promise<Result[]> {
  const folder = `${stage.container.root}/data`;
  mkdirSync(`${folder}/many`, { recursive: true });
  writeLog(`${folder}/log`, BLOCKS);
  for (let n = 0; n < FILES; n++) writeFileSync(`${folder}/many/${n}`, `${n} ${"line\n".repeat(100)}`);
  const results: Result[] = [];
  try {
    for (const [what, pattern, path, factor] of [
      ["literal", LITERAL, "log", 1.1],
      ["regex", EXPRESSION, "log", 1.1],
      ["every line", EVERY, "log", 1.1],
      ["10,000 files", "9999 line", "many", 1.1],
    ] as const)
      results.push(...(await besideRipgrep(stage, what, { pattern, path, factor })));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

/** Compares with the goal as the base: a multiple of ripgrep's time plus the start of Node. */
async function besideRipgrep(
  { env, root, porthole, container, profile }: Stage,
  what: string,
  { pattern, path, factor }: { pattern: string; path: string; factor: number },
): Promise<Result[]> {
  const rg = [pattern, `${container.root}/data/${path}`];
  // The program that porthole runs: another version would compare versions of ripgrep.
  const same = `${root}node_modules/@vscode/ripgrep-linux-${process.arch}/bin/rg`;
  const ours = [porthole, "grep", pattern, `${container.name}:/data/${path}`];
  const found = [run("rg", ["-I", "-m1000", ...rg], env), run("node", [...ours, "-I", "-m1000"], env)];
  if (found[0] === "" || found[0] !== found[1]) throw new Error(`different lines were found for ${pattern}`);
  const contestants: Contestant[] = [
    {
      name: `${factor}x rg + 1.5x node -e 0`,
      run: async () => factor * (await timePiped(same, rg, env)) + 1.5 * (await timePiped("node", ["-e", "0"], env)),
    },
    { name: "porthole grep", role: "ours", run: () => timePiped("node", ours, env) },
    { name: "rg, the same program", run: () => timePiped(same, rg, env) },
    { name: "rg of this machine", run: () => timePiped("rg", rg, env) },
  ];
  profile(`${what}: porthole grep`, ours);
  return compare(contestants, { group: what, rounds: 9 });
}

/**
 * Writes 8 MiB of lines of an access log repeatedly. One line in 20,000 is about a timeout, one in
 * 10,000 is an error of a bot.
 */
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
