// Lists the open files of a container's processes: process, descriptor, access and path. A deleted
// file is marked, with the bytes of storage that it holds.
//
//     node build/examples/open-files.mjs web
import { connect, listProcesses } from "porthole";

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error("usage: open-files CONTAINER");
await using session = await connect(name);
// Names in a container may contain control characters: JSON escapes them for the terminal.
for await (const { pid, command, files } of listProcesses(session, { files: true }))
  for (const { fd, access, path, deleted, held } of files)
    console.log(JSON.stringify({ pid, command, fd, access, path, ...(deleted && { deleted, held: Number(held) }) }));
