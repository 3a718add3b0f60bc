import { outputContainer, outputRecords } from "../../src/engines/index.ts";
import type { Target } from "../../src/target.ts";
import type { Amount } from "./amount.ts";
import { OutputLines } from "./output-lines.ts";
import type { Printer } from "./printer.ts";

/**
 * Prints the first lines of a container's output, or with `-` all but the last lines. Each line has
 * its stream and the engine's time.
 * @throws PortholeError TARGET
 */
export async function printOutputHead(
  { text, target }: { text: string; target: Target & { kind: "output" } },
  engine: string | undefined,
  { count, sign }: Amount,
  printer: Printer,
): Promise<void> {
  const lines = new OutputLines();
  const source = printer.source(text, lines.timeOf, lines.originOf);
  await printer.begin(source);
  const container = await outputContainer(target.name, engine);
  let printed = 0;
  const held: Buffer[] = [];
  const isOver = () => sign !== "-" && printed === count;
  const print = async (line: Buffer) => {
    if (isOver()) return;
    held.push(line);
    if (sign === "-" && held.length <= count) return;
    printed += 1;
    await printer.write(source, held.shift() as Buffer);
  };
  const abort = new AbortController();
  try {
    if (isOver()) return;
    const options = { path: target.path, timestamps: true, signal: abort.signal };
    for await (const record of outputRecords(container, options)) {
      for (const line of lines.push(record)) await print(line);
      if (isOver()) return;
    }
    for (const line of lines.end()) await print(line);
  } finally {
    abort.abort();
  }
}
