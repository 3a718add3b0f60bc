import { PortholeError } from "../../src/errors.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import type { PathTarget } from "../../src/target.ts";
import { shownName } from "../io/part-of-several.ts";
import { tailSource } from "../tail/tail-source.ts";
import { TailTarget } from "../tail/tail-target.ts";
import type { SessionPool } from "../targets/session-pool.ts";
import type { FirstPage } from "../tui/app/first-page.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { GONE_MS } from "../tui/connection/connection.ts";
import { decompressedViewer } from "../tui/viewer/decompressed.ts";
import type { ViewerStart } from "../tui/viewer/positions/start-position.ts";
import type { ViewerViewOptions } from "../tui/viewer/viewer-view-options.ts";
import type { ShowOptions } from "./open-options.ts";

/** The file's origin, and its first page, if it is shown already. The caller closes all of it. */
export interface Opened {
  text: string;
  target: PathTarget;
  session: Session;
  sessions: SessionPool;
  page: FirstPage | undefined;
}

/** Shows an open file in the viewer until the user quits. */
export async function showFile(
  file: OpenFile,
  { text, target, session, sessions, page }: Opened,
  start: ViewerStart,
  options: ShowOptions,
): Promise<number> {
  using around = new LazyBrowser(session, target, options);
  let tell: (text: string) => void = () => undefined;
  const tailTarget = new TailTarget(sessions, target, GONE_MS, (said) => tell(said));
  const followSource: ViewerViewOptions["followSource"] = file.isSeekable
    ? (note) => {
        tell = note;
        return tailSource(tailTarget, target.path, file);
      }
    : undefined;
  await tailTarget.session();
  const earlier = options.rotated === true ? await earlierOf(session, file) : undefined;
  const { connection } = around.location;
  const subtitle = () => [connection.routeText, file.kind, earlier?.summary].filter(Boolean).join(", ");
  try {
    const decompressed = start.hex
      ? undefined
      : await decompressedViewer(file, subtitle).catch((error: unknown) => {
          throw undecompressed(error, file.path, text);
        });
    return await openScreen(
      {
        file,
        title: shownName(text),
        subtitle,
        watchSubtitle: (changed) => connection.lastExit.watch(changed),
        earlier,
        location: around.location,
        ended: () => session.ended !== undefined,
        lend: async () => (await import("../../src/sessions/index.ts")).copyOpenFile(file),
        zone: () => connection.zone(),
        ...start,
        followSource,
        ...decompressed,
      },
      { ...around.app, page },
    );
  } finally {
    tailTarget.end();
    await earlier?.close();
  }
}

async function earlierOf(session: Session, file: OpenFile) {
  if (!file.isSeekable)
    throw new PortholeError("FILE", `${file.path}: --rotated needs a regular file`, { hint: "leave out --rotated" });
  const { earlierFiles, earlierText } = await import("../tui/viewer/document/earlier-files.ts");
  const earlier = await earlierFiles(session, file.path);
  return { ...earlier, summary: earlierText(earlier) || "no earlier files" };
}

/** The error of a file that cannot be decompressed, with the name that the user wrote. */
function undecompressed(error: unknown, path: string, text: string): unknown {
  if (!(error instanceof PortholeError) || !error.message.startsWith(`${path}: cannot decompress`)) return error;
  const { code, message, errno, hint = `porthole open --hex ${text} shows its bytes` } = error;
  return new PortholeError(code, text + message.slice(path.length), { errno, hint, cause: error });
}
