import { PortholeError } from "../../src/errors.ts";
import { shownName } from "../io/part-of-several.ts";
import { checkContainerName } from "../targets/container-name.ts";
import { parseNamed } from "../targets/local-file.ts";
import { openTarget } from "../targets/open-target.ts";
import { SessionPool } from "../targets/session-pool.ts";
import { checkZone } from "../targets/zone.ts";
import { showFirstPage } from "../tui/app/first-page.ts";
import { requireTerminal } from "../tui/app/terminal/require-terminal.ts";
import type { ViewerStart } from "../tui/viewer/positions/start-position.ts";
import type { ShowOptions } from "./open-options.ts";

/** `porthole open`: shows one file in the terminal. */
export async function open(
  text: string,
  starts: readonly Partial<ViewerStart>[],
  options: ShowOptions,
): Promise<number> {
  requireTerminal("open", `porthole cat ${text}`);
  await checkZone(options);
  const target = parseNamed(text);
  await checkContainerName(target, options.engine);
  if (target.kind === "output") return (await import("./open-output.ts")).openOutput(text, target, starts, options);
  using sessions = new SessionPool(options);
  const session = await sessions.session(target);
  await using file = await openTarget(session, { text, target }, options);
  if (file.kind === "directory") {
    // Without a slash or colon, `porthole NAME` would open a container.
    const hint = `porthole ${/[:/]/.test(text) ? text : `./${text}`}`;
    throw new PortholeError("FILE", `${text}: Is a directory`, { errno: "EISDIR", hint });
  }
  const start: ViewerStart = Object.assign({ startAtEnd: false, follow: false, hex: options.hex }, ...starts);
  start.follow ||= options.follow === true;
  const { startAtEnd: atEnd, follow, hex, goto, search } = start;
  const isPlain = !(follow || hex || options.rotated) && goto === undefined && search === undefined;
  // The rest of the screen is loaded once the first page is shown.
  using page = isPlain ? await showFirstPage(file, { title: shownName(text), atEnd }) : undefined;
  const { showFile } = await import("./show-file.ts");
  return await showFile(file, { text, target, session, sessions, page }, start, options);
}
