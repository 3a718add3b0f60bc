import { Writable } from "node:stream";
import type { ChromeFacts } from "./chrome-text.ts";

/** Draws chrome facts as rows of the screen: title first, status last, whatever lies over the text between them. */
export interface ChromeRenderer {
  rows(facts: ChromeFacts): readonly string[];
  close(): void;
}

/**
 * Loads Ink and gives it a stdout of its own that keeps the last frame as a string: Ink lays out and draws, the compositor alone writes to
 * the terminal. In debug mode Ink hands over each frame whole and at once, without cursor movements. It gets no stdin: keys are ours.
 */
export async function loadInkChrome(columns: number): Promise<ChromeRenderer> {
  // chalk, which Ink styles with, would leave out even bold and reverse for a TERM that it does not know.
  process.env.FORCE_COLOR ??= "1";
  const [{ render }, { createElement }, { Chrome }] = await Promise.all([
    import("ink"),
    import("react"),
    import("./chrome.tsx"),
  ]);
  let frame = "";
  const stdout = Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        frame = String(chunk);
        done();
      },
    }),
    { columns, rows: 1000, isTTY: false },
  );
  const stdin = Object.assign(new Writable(), { isTTY: false });
  let drawn: ChromeFacts | undefined;
  let instance: ReturnType<typeof render> | undefined;
  return {
    rows(facts) {
      if (!sameFacts(drawn, facts)) {
        stdout.columns = facts.columns;
        const tree = createElement(Chrome, { facts });
        if (instance) instance.rerender(tree);
        else instance = render(tree, inkOptions(stdout, stdin));
        drawn = facts;
      }
      return frame.split("\n");
    },
    close: () => instance?.unmount(),
  };
}

/** Ink asks for terminal streams and uses of them what these have. */
function inkOptions(stdout: Writable, stdin: Writable) {
  return {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stderr: stdout as unknown as NodeJS.WriteStream,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  };
}

function sameFacts(a: ChromeFacts | undefined, b: ChromeFacts): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
