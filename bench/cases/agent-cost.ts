import { readFileSync, readlinkSync, statSync } from "node:fs";
import { connect } from "porthole";
import { findProcesses } from "../../test/helpers/processes.ts";
import type { Case } from "../case.ts";
import { type Result, summarise } from "../measure.ts";
import type { Stage } from "../stage.ts";

const OPENS = 20_000;
const LATER = `after ${OPENS.toLocaleString("en")} opens`;

export const agentCost: Case = {
  title: "what an agent weighs: its program, and the memory of each of its processes",
  goals: [
    { text: "<= 120 KB", result: "its program", of: "median", atMost: 120 },
    { text: "<= 2 MB resident, the largest", result: "one client: resident", of: "p99", atMost: 2 },
    { text: "<= 2 MB resident, the largest", result: `${LATER}: resident`, of: "p99", atMost: 2 },
  ],
  run: weigh,
};

async function weigh({ root, container }: Stage): Promise<Result[]> {
  const size = statSync(`${root}agent/build/porthole-agent`).size / 1000;
  const session = await connect(container.name, { route: "mount" });
  const before = residentMegabytes(container.pid);
  for (let count = 0; count < OPENS; count++) (await session.open("/etc/hostname")).close();
  const after = residentMegabytes(container.pid);
  session.close();
  return [
    ...summarise([{ name: "its program", role: "ours", values: [size] }], { unit: "KB" }),
    ...summarise([{ name: "resident", role: "ours", values: before }], { unit: "MB", group: "one client" }),
    ...summarise([{ name: "resident", role: "ours", values: after }], { unit: "MB", group: LATER }),
  ];
}

/**
 * Returns the resident memory of the agent in the container whose first process is `init`, and of
 * the agent's child for the client.
 */
function residentMegabytes(init: number): number[] {
  const namespace = readlinkSync(`/proc/${init}/ns/pid`);
  const isAgent = (pid: number, args: string[]) =>
    args[0]?.endsWith("/agent") === true && readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
  const agents = findProcesses(({ pid, args }) => isAgent(pid, args));
  if (agents.length < 2) throw new Error(`${agents.length} processes of the agent in the container, not two or more`);
  return agents.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024) / 1e6;
  });
}
