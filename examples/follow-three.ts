// Follows a file in each of several containers into one stream, and reports rotations.
//
//     node build/examples/follow-three.mjs web:/log/app.log api:/log/app.log db:/log/app.log
//
// Ctrl-C ends it. Only the agent runs in the containers. It passes each file's descriptor once.
import { connect, follow, LineSplitter, parseTarget } from "porthole";

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
// The reader closed the pipe (`| head`).
process.stdout.on("error", () => stop.abort());

async function followOne(text: string): Promise<void> {
  const target = parseTarget(text);
  await using session = await connect(target);
  const lines = new LineSplitter("\n".charCodeAt(0));
  // Start at the end, as tail -F does. With `from: "start"` the whole file comes first.
  for await (const event of follow(session, target.path, { signal: stop.signal })) {
    if (event.kind === "data") for (const line of lines.push(event.bytes)) print(session.name, line);
    else if (event.kind === "rotated") console.error(`${text}: rotated`);
    else if (event.kind === "deleted") console.error(`${text}: deleted; waiting for it to come back`);
  }
}

function print(name: string, line: Uint8Array): void {
  process.stdout.write(Buffer.concat([Buffer.from(`${name}: `), line]));
}

const targets = process.argv.slice(2);
if (targets.length === 0) throw new Error("usage: follow-three TARGET...");
await Promise.all(targets.map(followOne));
