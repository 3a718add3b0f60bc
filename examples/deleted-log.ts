// Recovers a log that was deleted while its program still writes to it, through the program's
// descriptor.
//
//     node build/examples/deleted-log.mjs web > rescued.log
import { connect, listProcesses, type ProcessFile } from "porthole";

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error("usage: deleted-log CONTAINER");
await using session = await connect(name);
const found = await largestDeleted();
if (found === undefined) throw new Error(`${name} holds no deleted file open`);
console.error(`process ${found.pid} holds ${JSON.stringify(found.file.path)}, ${found.file.stat.size} bytes`);
await using file = await session.openProcessFile(found.pid, found.file.fd);
await file.copyTo(1);

async function largestDeleted(): Promise<{ pid: number; file: ProcessFile } | undefined> {
  let largest: { pid: number; file: ProcessFile } | undefined;
  for await (const { pid, files } of listProcesses(session, { files: true }))
    for (const file of files) if (file.deleted && file.held > (largest?.file.held ?? 0n)) largest = { pid, file };
  return largest;
}
