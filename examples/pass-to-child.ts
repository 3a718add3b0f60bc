// Gives a file of a container to a program of this machine, as its standard input. The program needs to know nothing of containers.
//
//     node build/examples/pass-to-child.mjs web:/var/log/app.log wc -l
import { connect, parseTarget } from "porthole";
import { runTool } from "porthole/tools";

const [text, command, ...args] = process.argv.slice(2);
if (text === undefined || command === undefined) throw new Error("usage: pass-to-child TARGET COMMAND [ARGUMENT...]");
const target = parseTarget(text);
await using session = await connect(target);
const input = await session.open(target.path);
// It takes the file: the child has the descriptor from now on, and we have none.
const { status, signal } = await runTool(command, args, { input });
if (signal !== null) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
