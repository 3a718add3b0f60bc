import stringWidth from "string-width";
import { helperAgents } from "../../src/elsewhere/index.ts";
import { ensureRunDirectory, mountedTrees } from "../../src/routes/index.ts";
import { type LiveAgent, listAgents } from "../../src/sessions/index.ts";
import { sanitiseText } from "../../src/text/index.ts";
import { report } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { humanSize } from "../ls/sizes.ts";

/** `porthole agents`: prints one line per live agent, per helper on a remote engine, and per mount. */
export async function agents(options: { json?: boolean }): Promise<number> {
  const live = [...(await listAgents()), ...(await helperAgents(report))];
  const mounts = mountedTrees(ensureRunDirectory());
  if (options.json) {
    for (const agent of live) write(jsonLine(agent));
    for (const { target, mountPoint, keeper, since } of mounts)
      write(jsonLine({ mount: target, mountPoint, keeper, ageSeconds: secondsSince(since) }));
    return 0;
  }
  write(table([["TARGET", "ROUTE", "ID", "AGE", "CLIENTS", "MEMORY"], ...live.map(row)]));
  if (mounts.length === 0) return 0;
  const rows = mounts.map(({ target, mountPoint, since }) => [
    sanitiseText(target),
    age(secondsSince(since)),
    sanitiseText(mountPoint),
  ]);
  write(`\n${table([["MOUNTED", "AGE", "AT"], ...rows])}`);
  return 0;
}

function secondsSince(time: number): number {
  return Math.max(0, Math.floor((Date.now() - time) / 1000));
}

function row(agent: LiveAgent): string[] {
  return [
    sanitiseText(agent.name),
    agent.route,
    agent.container.slice(0, 12) || "-",
    age(agent.ageSeconds),
    // The number of clients of an agent inside a helper is unknown to this process.
    agent.route === "helper" ? "-" : String(agent.clients),
    agent.route === "helper" ? "-" : humanSize(BigInt(agent.memoryKiB) * 1024n),
  ];
}

function age(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => stringWidth(cells[column] ?? ""))));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - stringWidth(cell)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
    .concat("\n");
}
