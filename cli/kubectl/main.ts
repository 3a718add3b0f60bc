#!/usr/bin/env node
import { basename } from "node:path";
import { Interrupt } from "../elsewhere/interrupt.ts";
import { Exit, exitStatus, report } from "../io/fail.ts";
import { parseRequest } from "./arguments.ts";
import { COMPLETER, completion } from "./complete.ts";
import { checkEphemeral, EphemeralContainers } from "./ephemeral.ts";
import { HELP } from "./help.ts";
import { Helpers } from "./helpers.ts";
import { stopKubectl } from "./kubectl.ts";
import { optionTable } from "./option-table.ts";
import { queries } from "./plan.ts";
import { pluginStreams } from "./plugin-streams.ts";
import { requestPods } from "./pod-list.ts";
import { runOnNodes } from "./run.ts";
import { safeStreams } from "./safe-streams.ts";
import { withSelectors } from "./workloads.ts";

declare const PORTHOLE_VERSION: string;

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    report(error);
    process.exitCode = exitStatus(error);
  },
);

/** `kubectl porthole`: runs porthole on the nodes of the named pods and prints its output. */
async function main(args: string[]): Promise<number> {
  if (basename(process.argv[1] ?? "") === COMPLETER) return print(await completion(args));
  if (args.includes("--help") || args[0] === "help" || (args.length <= 2 && args.at(-1) === "-h")) return print(HELP);
  if (args.length === 1 && /^(-V|--version|version)$/.test(args[0] ?? "")) return print(`${PORTHOLE_VERSION}\n`);
  const parsed = parseRequest(args, optionTable);
  if (parsed.isEphemeral) checkEphemeral(parsed);
  const interrupt = new Interrupt();
  const places = parsed.isEphemeral ? new EphemeralContainers(parsed, interrupt) : new Helpers(parsed, interrupt);
  const isScreen = parsed.command === "open" || parsed.command === "browse";
  const own = pluginStreams(isScreen);
  const safe = parsed.isEphemeral && !isScreen ? safeStreams(own.streams) : undefined;
  // The reader has closed the output.
  process.stdout.on("error", () => interrupt.raise("SIGPIPE"));
  try {
    const request = await interrupt.orEnd(withSelectors(parsed));
    const lists = Promise.all(queries(request).map((query) => requestPods(query, request)));
    const [rows] = await interrupt.orEnd(Promise.all([lists, places.find()]));
    return await runOnNodes(request, rows, { places, interrupt, own: safe?.streams ?? own.streams });
  } finally {
    await safe?.end();
    own.restore();
    await places.close();
    stopKubectl();
    interrupt.end();
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return Exit.ok;
}
