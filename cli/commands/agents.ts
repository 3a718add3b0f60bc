import stringWidth from "string-width";
import { type LiveAgent, listAgents } from "../../src/sessions/index.ts";
import { sanitiseText } from "../../src/text/index.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";

/** `porthole agents`: one line for each live agent. */
export async function agents(options: { json?: boolean }): Promise<number> {
  const live = await listAgents();
  if (options.json) {
    for (const agent of live) write(jsonLine(agent));
    return 0;
  }
  write(table([["TARGET", "ROUTE", "ID", "AGE", "CLIENTS", "MEMORY"], ...live.map(row)]));
  return 0;
}

function row(agent: LiveAgent): string[] {
  return [
    sanitiseText(agent.name),
    agent.route,
    agent.container.slice(0, 12) || "-",
    age(agent.ageSeconds),
    String(agent.clients),
    `${agent.memoryKiB} KiB`,
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
