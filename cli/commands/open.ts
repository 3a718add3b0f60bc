import { isatty } from "node:tty";
import { followSource, type OpenFile, PortholeError, parseTarget, type Session, type Target } from "../../src/index.ts";
import type { ReachOptions } from "../program/shared.ts";
import { Reach } from "../reach.ts";
import { Around } from "../tui/around.ts";
import { openScreen } from "../tui/open.ts";

/** How the screen begins. */
export interface ScreenStart {
  startAtEnd: boolean;
  follow: boolean;
}

/** `porthole open`: one file in the terminal. */
export async function open(
  text: string,
  start: "end" | undefined,
  options: ReachOptions & { follow?: boolean },
): Promise<number> {
  if (!isatty(0) || !isatty(1)) {
    throw new PortholeError("USAGE", "open needs a terminal on standard input and output", {
      hint: `porthole cat ${text}`,
    });
  }
  const reach = new Reach(options);
  try {
    const target = parseTarget(text);
    const session = await reach.session(target);
    const file = await session.open(target.path);
    try {
      const follow = options.follow === true;
      return await openScreenOn(
        session,
        file,
        { text, target, options },
        { startAtEnd: start === "end" || follow, follow },
      );
    } finally {
      file.close();
    }
  } finally {
    reach.close();
  }
}

/** Runs the screen on a file that is open already; the file and the session stay the caller's. */
export async function openScreenOn(
  session: Session,
  file: OpenFile,
  { text, target, options }: { text: string; target: Target; options: ReachOptions },
  start: ScreenStart,
): Promise<number> {
  const around = new Around(session, target, options);
  try {
    return await openScreen(
      {
        file,
        title: text,
        subtitle: `${session.route}, ${file.kind}`,
        location: around.location,
        lend: async () => (await import("../../src/tools.ts")).copyOpenFile(file),
        ...start,
        followSource: file.isSeekable ? followSource(session, file.path, file) : undefined,
      },
      around.app,
    );
  } finally {
    around.close();
  }
}
