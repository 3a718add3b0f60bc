import { PortholeError } from "../../src/errors.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import type { Target } from "../../src/target.ts";
import { shownName } from "../elsewhere/part-of-several.ts";
import { tailSource } from "../tail/tail-source.ts";
import { TailTarget } from "../tail/tail-target.ts";
import { checkContainerName } from "../targets/container-name.ts";
import { parseNamed } from "../targets/local-file.ts";
import { openTarget } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { requireTerminal } from "../tui/app/require-terminal.ts";
import { checkZone, GONE_MS } from "../tui/browser/connection.ts";
import { decompressedViewer } from "../tui/viewer/decompressed.ts";
import { outputViewer } from "../tui/viewer/output-viewer.ts";
import type { ViewerStart } from "../tui/viewer/start-position.ts";
import type { ViewerViewOptions } from "../tui/viewer/viewer-view-options.ts";

/** `porthole open`: shows one file in the terminal. */
export async function open(
  text: string,
  starts: readonly Partial<ViewerStart>[],
  options: ConnectionOptions & { follow?: boolean; hex?: boolean; rotated?: boolean; consume?: boolean },
): Promise<number> {
  requireTerminal("open", `porthole cat ${text}`);
  await checkZone(options);
  const target = parseNamed(text);
  await checkContainerName(target, options.engine);
  if (target.kind === "output") return openOutput(text, target, starts, options);
  using sessions = new SessionPool(options);
  let tell: (text: string) => void = () => undefined;
  const tailTarget = new TailTarget(sessions, target, GONE_MS, (said) => tell(said));
  const followed = (file: OpenFile) => (note: (text: string) => void) => {
    tell = note;
    return tailSource(tailTarget, target.path, file);
  };
  try {
    const session = await tailTarget.session();
    await using file = await openTarget(session, { text, target }, options);
    if (file.kind === "directory") {
      // Without a slash or colon, `porthole NAME` would open a container.
      const hint = `porthole ${/[:/]/.test(text) ? text : `./${text}`}`;
      throw new PortholeError("FILE", `${text}: Is a directory`, { errno: "EISDIR", hint });
    }
    const start: ViewerStart = Object.assign({ startAtEnd: false, follow: false }, ...starts);
    return await show(
      session,
      file,
      { text, target, options },
      { ...start, follow: start.follow || options.follow === true, hex: options.hex },
      file.isSeekable ? followed(file) : undefined,
      options.rotated === true,
    );
  } finally {
    tailTarget.end();
  }
}

/** Opens a container's own output. Follows it unless a start position is given. */
async function openOutput(
  text: string,
  target: Target & { kind: "output" },
  starts: readonly Partial<ViewerStart>[],
  options: ConnectionOptions & { follow?: boolean; hex?: boolean },
): Promise<number> {
  const isFollowed = starts.length === 0 || options.follow === true;
  const start: ViewerStart = Object.assign({ startAtEnd: isFollowed, follow: isFollowed }, ...starts);
  using around = new LazyBrowser(undefined, { kind: "container", name: target.name, path: "/" }, options);
  const shown = await outputViewer(target, options.engine);
  const { location } = around;
  return await openScreen({ title: text, location, ...shown, ...start, hex: options.hex }, around.app);
}

async function show(
  session: Session,
  file: OpenFile,
  { text, target, options }: { text: string; target: Target; options: ConnectionOptions },
  start: ViewerStart,
  source: ViewerViewOptions["followSource"],
  isRotated: boolean,
): Promise<number> {
  const around = new LazyBrowser(session, target, options);
  const earlier = isRotated ? await earlierOf(session, file) : undefined;
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
        followSource: source,
        ...decompressed,
      },
      around.app,
    );
  } finally {
    await earlier?.close();
    around.close();
  }
}

async function earlierOf(session: Session, file: OpenFile) {
  if (!file.isSeekable)
    throw new PortholeError("FILE", `${file.path}: --rotated needs a regular file`, { hint: "leave out --rotated" });
  const { earlierFiles, earlierText } = await import("../tui/viewer/earlier-files.ts");
  const earlier = await earlierFiles(session, file.path);
  return { ...earlier, summary: earlierText(earlier) || "no earlier files" };
}

/** The error of a file that cannot be decompressed, with the name that the user wrote. */
function undecompressed(error: unknown, path: string, text: string): unknown {
  if (!(error instanceof PortholeError) || !error.message.startsWith(`${path}: cannot decompress`)) return error;
  const { code, message, errno, hint = `porthole open --hex ${text} shows its bytes` } = error;
  return new PortholeError(code, text + message.slice(path.length), { errno, hint, cause: error });
}
