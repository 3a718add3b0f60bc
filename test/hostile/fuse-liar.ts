import { constants } from "node:fs";
import { openPath } from "../../src/descriptors/files/file.ts";
import { StatFlag } from "../../src/protocol/messages.ts";
import { type Lie, lyingAgent, statFor } from "./lying-agent.ts";

/*
 * Starts a lying agent in a separate process, which holds a file of a FUSE server that does not
 * answer FLUSH. Such a process can neither exit nor start a program. Arguments: state directory,
 * the file, the record's target, and the kind of lie. Prints its target.
 */

/** Runs with the program's arguments. */
export function lie([state = "", path = "", targetPid = "", way = ""]: string[]): void {
  const file = openPath(path, constants.O_RDONLY);
  const directory = openPath("/", constants.O_RDONLY | constants.O_DIRECTORY);
  const honest = openPath("/proc/self/exe", constants.O_RDONLY);

  const stat: Lie = (request, client) => client.answer(request, statFor(directory));
  const ways: Record<string, Parameters<typeof lyingAgent>[1]> = {
    "a file": { open: (request, client) => client.answer(request, statFor(file), [file]) },
    "a relay's pipe": {
      open: (request, client) => client.answer(request, statFor(file, { flags: StatFlag.relayed }), [file]),
    },
    "a directory's entries": { stat, list: (request, client) => client.answer(request, undefined, [file]) },
    "the answer to nothing": { open: (request, client) => client.answer(request, statFor(file), [file], { id: 99 }) },
    "part of an error": { open: (request, client) => client.answer(request, undefined, [file], { error: 2 }) },
    "an inotify instance": {
      stat,
      open: (request, client) => client.answer(request, statFor(honest), [honest]),
      watch: (request, client) => client.answer(request, Buffer.alloc(8), [file]),
    },
  };

  console.log(lyingAgent(state, ways[way] ?? {}, { targetPid: Number(targetPid) }).target);
}
