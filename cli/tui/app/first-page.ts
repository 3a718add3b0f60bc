import { compressionOf, type OpenFile } from "../../../src/sessions/index.ts";
import { Viewport } from "../../../src/text/index.ts";
import { fail } from "../../io/fail.ts";
import { Compositor } from "../canvas/compositor.ts";
import { regionsOf } from "../canvas/layout.ts";
import { levelLooks } from "../canvas/line-text.ts";
import { plainTitle, screenRows } from "../canvas/screen-rows.ts";
import { themeIn } from "../canvas/theme-by-environment.ts";
import { DEFAULT_LOOKS, type Looks, readConfigFile } from "../config-file.ts";
import { shownPart } from "../viewer/current-status.ts";
import { contentOf, seemsBinary } from "../viewer/document/content.ts";
import { documentJson } from "../viewer/document/document-json.ts";
import { DocumentLines } from "../viewer/document/document-lines.ts";
import { Pane } from "../viewer/rows/pane.ts";
import { barBeside, textColumns } from "../viewer/rows/text-columns.ts";
import { ProcessGuard } from "./terminal/process-guard.ts";
import { Terminal } from "./terminal/terminal.ts";

/** The terminal with the first page of a text, until the program takes it over. */
export interface FirstPage extends Disposable {
  readonly terminal: Terminal;
  /** Knows what the terminal shows. */
  readonly compositor: Compositor;
  readonly guard: ProcessGuard;
}

/**
 * Shows the first page of a text before the viewer is loaded: the rows that the viewer's own first
 * frame then has, which therefore writes nothing. Undefined for what needs the viewer: a stream, a
 * compressed file, a hex dump. The program must run before the event loop turns.
 * @param atEnd shows the last page instead
 * @throws PortholeError USAGE for an invalid config file
 */
export async function showFirstPage(
  file: OpenFile,
  { title, atEnd }: { title: string; atEnd: boolean },
): Promise<FirstPage | undefined> {
  if (compressionOf(file) !== undefined) return undefined;
  const isConfigured = readConfigFile(process.env) !== undefined;
  const looks = isConfigured ? (await import("../config.ts")).readConfig() : DEFAULT_LOOKS;
  let failure: string | undefined;
  const { path, fd, isSeekable } = file;
  // Without `nextData`: to look for holes costs more than to read the few blocks of a page.
  const content = contentOf({ path, fd, isSeekable, stream: (how) => file.stream(how) }, (message) => {
    failure = message;
  });
  if (content.chain === undefined || seemsBinary(content, atEnd)) return undefined;
  const terminal = new Terminal();
  const compositor = new Compositor();
  const document = new DocumentLines(content);
  const shown = document.during(() => pageOf(document, terminal, looks, { title, atEnd }));
  if (shown === undefined || failure !== undefined) {
    terminal.close();
    return undefined;
  }
  const guard = new ProcessGuard({
    restore: () => terminal.leave(),
    end: (status) => process.exit(status),
    fail: (error) => {
      terminal.leave();
      fail(error);
    },
    suspend: () => undefined,
    resume: () => undefined,
  });
  terminal.enter();
  if (looks.mouse) terminal.toggleMouse();
  terminal.write(compositor.frame(shown.rows, shown.edge));
  // The build packs what is loaded by now (scripts/build/loader.cjs).
  (process as NodeJS.EventEmitter).emit("firstPage");
  return {
    ...{ terminal, compositor, guard },
    [Symbol.dispose]() {
      terminal.close();
      guard[Symbol.dispose]();
    },
  };
}

function pageOf(
  document: DocumentLines,
  { columns, rows: screen }: { columns: number; rows: number },
  looks: Looks,
  { title, atEnd }: { title: string; atEnd: boolean },
) {
  const regions = regionsOf(screen, { hasTabs: false });
  const height = regions.body;
  const theme = themeIn(process.env, looks.theme);
  const { isJson } = documentJson(document);
  const pane = new Pane(document, {
    left: 0,
    width: textColumns(columns, looks.scrollBar),
    colours: process.env.NO_COLOR ? "drop" : "pass",
    wrap: false,
    json: isJson ? "folded" : "raw",
    folded: isJson ? "all" : undefined,
    levels: levelLooks(theme),
    highlight: undefined,
  });
  const { lines, source } = document;
  const viewport = new Viewport(lines);
  viewport.resize(height);
  if (atEnd) viewport.toEnd();
  const positions = viewport.visible();
  const [first, last] = [positions[0], positions.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const rows = pane.rows(positions, [], () => false);
  const [start, end] = [source.start(), source.end()];
  const part = shownPart({ start, end, bottom: lines.next(last.line) ?? end }, first.line);
  const edge = looks.scrollBar ? barBeside(rows, part, { columns, height, theme }) : [];
  return screenRows({ top: [plainTitle(title, columns)], body: rows, bottom: [], edge }, regions, {
    columns,
    rows: screen,
  });
}
