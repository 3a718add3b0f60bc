// Prints the SHA-256 of a file in a container, as sha256sum does, without copying the file.
//
//     node build/examples/hash-file.mjs web:/usr/lib/app/server.jar
import { createHash } from "node:crypto";
import { connect, PortholeError, parseTarget } from "porthole";

/**
 * An open session keeps the program alive, as a socket does. `await using` closes the session and
 * the file.
 */
async function hashOf(text: string): Promise<string> {
  const target = parseTarget(text);
  await using session = await connect(target);
  await using file = await session.open(target.path);
  const hash = createHash("sha256");
  for await (const chunk of file.stream()) hash.update(chunk);
  return hash.digest("hex");
}

const [text] = process.argv.slice(2);
if (text === undefined) throw new Error("usage: hash-file TARGET");
try {
  console.log(`${await hashOf(text)}  ${text}`);
} catch (error) {
  if (!(error instanceof PortholeError)) throw error;
  // `code` names the part that failed, `errno` is the kernel's error.
  console.error(`${error.code} ${error.errno ?? ""}: ${error.message}`);
  process.exitCode = 1;
}
