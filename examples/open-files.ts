// Lists the files that a container's processes hold open: process, descriptor, how it is open, and the path. A deleted file is marked, with the bytes
// of storage that it keeps.
//
//     node build/examples/open-files.mjs web
import { connect, listProcesses } from "porthole";

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error("usage: open-files CONTAINER");
await using session = await connect(name);
// What a container named is for people to read here, and may hold control characters: JSON keeps them from the terminal.
for await (const { pid, command, files } of listProcesses(session, { files: true }))
  for (const { fd, access, path, deleted, held } of files)
    console.log(JSON.stringify({ pid, command, fd, access, path, ...(deleted && { deleted, held: Number(held) }) }));
