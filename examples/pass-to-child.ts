// Passes a file of a container to a local program as its standard input.
//
//     node build/examples/pass-to-child.mjs web:/var/log/app.log wc -l
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, parseTarget } from "porthole";

const [text, command, ...args] = process.argv.slice(2);
if (text === undefined || command === undefined) throw new Error("usage: pass-to-child TARGET COMMAND [ARGUMENT...]");
const target = parseTarget(text);
await using session = await connect(target);
const input = await session.open(target.path);
const child = spawn(command, args, { stdio: [input.fd, "inherit", "inherit"] });
// The child has its own descriptor.
input.close();
const [status, signal] = await once(child, "exit");
if (signal !== null) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
