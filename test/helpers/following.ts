import { onTestFinished } from "vitest";
import type { Running, User } from "./porthole.ts";
import { textOf } from "./text-of.ts";
import { waitFor } from "./wait-for.ts";

/** A running `porthole tail -f` and its output so far. */
export interface Following {
  running: Running;
  /** Standard output so far, as text. */
  text(): string;
  /** Standard error so far. */
  said(): string;
  /** Waits until standard output equals this text; fails as soon as that is impossible. */
  shows(expected: string): Promise<void>;
  /** Waits until standard error has the line. */
  says(line: string | RegExp): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `porthole tail ...args`; stopped after the test. */
export function following(by: User, args: readonly string[], env: Record<string, string> = {}): Following {
  const running = by.start(["tail", ...args], { env });
  const text = textOf(running.stdout);
  const said = () => running.complaints();
  const all = () => `having ${JSON.stringify(text())} and on stderr ${JSON.stringify(said())}`;
  const ended = () => {
    const { exitCode, signalCode } = running.child;
    if (exitCode !== null || signalCode !== null) throw new Error(`tail ended (${exitCode ?? signalCode}), ${all()}`);
  };
  const stop = async () => {
    running.child.kill("SIGTERM");
    await running.ended;
  };
  onTestFinished(stop);
  return {
    running,
    stop,
    text,
    said,
    async shows(expected) {
      await waitFor(`output ${JSON.stringify(expected)}`, () => {
        if (!expected.startsWith(text())) throw new Error(`wanted ${JSON.stringify(expected)}, ${all()}`);
        if (text() !== expected) ended();
        return text() === expected;
      }).catch((error: Error) => {
        throw new Error(`${error.message}, ${all()}`);
      });
    },
    async says(line) {
      const found = () =>
        said()
          .split("\n")
          .some((one) => (typeof line === "string" ? one === line : line.test(one)));
      await waitFor(`${line} on stderr`, () => {
        if (!found()) ended();
        return found();
      }).catch((error: Error) => {
        throw new Error(`${error.message}, ${all()}`);
      });
    },
  };
}
