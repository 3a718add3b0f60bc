import { Writable } from "node:stream";
import { render } from "ink";
import { loadWidths } from "../../../src/text/index.ts";
import { Chrome } from "./chrome.tsx";
import type { ChromeRenderer, ChromeState } from "./chrome-text.ts";

/**
 * Gives Ink a stdout of its own that keeps the last frame as a string: Ink lays out and draws, the compositor alone writes to
 * the terminal. In debug mode Ink hands over each frame whole and at once, without cursor movements. It gets no stdin: keys are ours.
 */
export async function inkChrome(columns: number): Promise<ChromeRenderer> {
  // It is bundled apart from the rest, with widths of its own.
  await loadWidths();
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
  let drawn: ChromeState | undefined;
  let instance: ReturnType<typeof render> | undefined;
  return {
    rows(state) {
      if (!sameState(drawn, state)) {
        stdout.columns = state.columns;
        const tree = <Chrome state={state} />;
        if (instance) instance.rerender(tree);
        else instance = render(tree, inkOptions(stdout, stdin));
        drawn = state;
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

function sameState(a: ChromeState | undefined, b: ChromeState): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
