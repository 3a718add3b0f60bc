#!/usr/bin/env node
import { basename } from "node:path";
import { Exit, exitStatus, report } from "../io/fail.ts";
import { Interrupt } from "../io/interrupt.ts";
import { stopKubectl } from "./calls/kubectl.ts";
import { pluginStreams } from "./calls/plugin-streams.ts";
import { safeStreams } from "./calls/safe-streams.ts";
import { parseRequest } from "./command-line/arguments.ts";
import { COMPLETER, completion } from "./command-line/complete.ts";
import { HELP } from "./command-line/help.ts";
import { optionTable } from "./command-line/option-table.ts";
import { checkEphemeral, EphemeralContainers } from "./helpers/ephemeral.ts";
import { Helpers } from "./helpers/helpers.ts";
import { queries } from "./pods/plan.ts";
import { requestPods } from "./pods/pod-list.ts";
import { withSelectors } from "./pods/workloads.ts";
import { runOnNodes } from "./run.ts";

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
