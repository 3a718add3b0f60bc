import { PortholeError } from "../../../src/errors.ts";
import type { ProcessFile } from "../../../src/files/index.ts";
import type { OpenFile } from "../../../src/sessions/index.ts";
import { type OutputPath, type Target, targetName } from "../../../src/target.ts";
import { Colours } from "../../ls/colours.ts";
import type { ConnectionOptions } from "../../targets/options.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Config } from "../config.ts";
import { Connection } from "../connection/connection.ts";
import { failureLine } from "../connection/failure-lines.ts";
import type { Host } from "../view/view.ts";
import type { FoundMatch } from "../viewer/positions/start-position.ts";
import { ViewerView } from "../viewer/viewer-view.ts";
import type { Arrangement } from "./common/arrangement.ts";
import type { BrowserContext, OpenMode } from "./common/context.ts";
import { FilesView } from "./files/files-view.ts";
import { findView } from "./found/find-view.ts";
import { mountsView } from "./mounts-view.ts";
import { viewFile } from "./open-file.ts";
import { processesView } from "./processes-view.ts";
import { sandboxesView } from "./sandboxes-view.ts";

/** Milliseconds between checks for sessions that have ended. */
const LOSS_MS = 1_000;

/**
 * The connected targets and the display settings, shared by the browser's views. Close it after
 * every view.
 */
export class Browser implements BrowserContext {
  readonly host: Host;
  readonly options: ConnectionOptions;
  readonly theme: Theme;
  /** Colours of names, by LS_COLORS; undefined without colours. */
  readonly colours: Colours | undefined;
  readonly arrangement: Arrangement;
  /** Shows the content of the selected file, if there is room. */
  preview: boolean;
  /**
   * Shows details of the selected container; undefined means only if there is room beside the list.
   */
  details: boolean | undefined;
  listShare = 0.55;
  /** Marked files, and marked outputs of containers, by target. */
  readonly marks = new Map<string, { connection: Connection; path: string }>();
  readonly #connections = new Map<string, Connection>();
  readonly #abort = new AbortController();
  /** Number of targets whose session has ended. */
  #lost = 0;
  readonly #losses: NodeJS.Timeout;

  constructor(host: Host, options: ConnectionOptions, config: Config) {
    this.host = host;
    this.#losses = setInterval(() => this.#lookForLosses(), LOSS_MS);
    this.options = options;
    this.theme = host.theme;
    this.arrangement = { sort: "name", reverse: false, hidden: config.hidden };
    this.preview = config.preview;
    this.details = config.details ? undefined : false;
    this.colours = process.env.NO_COLOR ? undefined : new Colours(process.env.LS_COLORS);
  }

  /**
   * Returns the browser's connection to a target. `engine` is necessary if several engines have a
   * container of this name.
   */
  connection(target: Target, engine = this.options.engine): Connection {
    const key = `${engine ?? ""} ${targetName(target)}`;
    const known = this.#connections.get(key);
    if (known) return known;
    const connection = new Connection(
      target,
      { ...this.options, ...(engine !== undefined && { engine }) },
      this.#abort.signal,
    );
    this.#connections.set(key, connection);
    return connection;
  }

  openFiles(connection: Connection, path: string, select?: string, how?: OpenMode): void {
    this.host.open(new FilesView(this, connection, path, select), how);
  }

  openProcesses(connection: Connection, how?: OpenMode): void {
    this.host.open(processesView(this, connection), how);
  }

  openMounts(connection: Connection, how?: OpenMode): void {
    this.host.open(mountsView(this, connection), how);
  }

  async openOutput(connection: Connection, path: OutputPath = "@logs", how?: OpenMode): Promise<void> {
    const { target } = connection;
    if (!("name" in target)) return;
    try {
      const { outputViewer } = await import("../viewer/output-viewer.ts");
      const shown = await outputViewer({ kind: "output", name: target.name, path }, connection.engine);
      const title = `${target.name}:${path}`;
      const location = { connection, path: "/" };
      this.host.open(new ViewerView({ title, location, ...shown, startAtEnd: true, follow: true }, this.host), how);
    } catch (error) {
      this.host.say(failureLine(error));
    }
  }

  openSandboxes(known: readonly number[]): void {
    this.host.open(sandboxesView(this, known));
  }

  openFind(connection: Connection, directory: string, text: string, test: (name: string) => boolean): void {
    this.host.open(findView(this, connection, directory, text, test));
  }

  /**
   * Opens a path in the viewer. Passes a directory, also through a link, to the caller. Shows
   * failures as a message.
   */
  async openPath(
    connection: Connection,
    path: string,
    on: { directory(path: string): void; match?: FoundMatch },
    how?: OpenMode,
  ): Promise<void> {
    await this.#openOrAsk(
      connection.text(path),
      (consume) => connection.use((session) => session.open(path, { consume })),
      async (file) => {
        if (file.kind === "directory") {
          file.close();
          on.directory(path);
        } else
          this.host.open(
            await viewFile(
              connection,
              file,
              { title: connection.text(path), path, startAtEnd: false, follow: false, match: on.match },
              this.host,
            ),
            how,
          );
      },
    );
  }

  /** Opens a log with its earlier, rotated files as one text, at its end. */
  async openRotated(connection: Connection, path: string): Promise<void> {
    try {
      const { earlierFiles } = await import("../viewer/document/earlier-files.ts");
      const earlier = await connection.use((session) => earlierFiles(session, path));
      if (earlier.files.length === 0)
        return this.host.say(
          earlier.omitted || `${connection.text(path)} has no earlier files: searched for .1, .2.gz, -DATE`,
        );
      const file = await connection.use((session) => session.open(path));
      const title = connection.text(path);
      this.host.open(
        await viewFile(connection, file, { title, path, startAtEnd: true, follow: false, earlier }, this.host),
      );
    } catch (error) {
      this.host.say(failureLine(error));
    }
  }

  /** Opens a descriptor of a process: its file, deleted or not. */
  async openProcessFile(
    connection: Connection,
    pid: number,
    { fd, path, deleted }: ProcessFile,
    how?: OpenMode,
  ): Promise<void> {
    await this.#openOrAsk(
      `${path} (descriptor ${fd} of process ${pid})`,
      (consume) => connection.use((session) => session.openProcessFile(pid, fd, { consume })),
      async (file) => {
        const title = `${connection.text(`/proc/${pid}/fd/${fd}`)}  ${path}${deleted ? " (deleted)" : ""}`;
        this.host.open(
          await viewFile(
            connection,
            file,
            { title, path: `/proc/${pid}/fd/${fd}`, startAtEnd: false, follow: false },
            this.host,
          ),
          how,
        );
      },
    );
  }

  /**
   * Shows an open file. Asks for confirmation first if reading would consume the data. `name` names
   * the file in the question.
   */
  async #openOrAsk(
    name: string,
    open: (consume: boolean) => Promise<OpenFile>,
    show: (file: OpenFile) => Promise<void>,
  ): Promise<void> {
    try {
      await show(await open(false));
    } catch (error) {
      if (!(error instanceof PortholeError) || error.consumes === undefined) return this.host.say(failureLine(error));
      const { kind, does, effect, output } = error.consumes;
      const instead = output === undefined ? "" : ` The engine keeps the output: ${output} shows it.`;
      this.host.confirm({
        title: `Open ${kind}?`,
        subject: name,
        text: `Reading ${does}. ${effect}${instead}`,
        yes: "read it",
        no: "do not open it",
        answered: (isYes) => {
          if (!isYes) this.host.say("not opened: no data was consumed");
          else open(true).then(show, (failure) => this.host.say(failureLine(failure)));
        },
      });
    }
  }

  isMarked(connection: Connection, path: string): boolean {
    return this.marks.has(markKey(connection, path));
  }

  toggleMark(connection: Connection, path: string): void {
    const key = markKey(connection, path);
    if (!this.marks.delete(key)) this.marks.set(key, { connection, path });
  }

  /** Follows all marked sources, merged by time. Without marks, follows the selected file. */
  async followMarked(selected?: { connection: Connection; path: string }): Promise<void> {
    const { followView } = await import("./follow-view.ts");
    const chosen = this.marks.size > 0 ? [...this.marks.values()] : selected === undefined ? [] : [selected];
    if (chosen.length > 0) await followView(this, chosen);
  }

  /** Aborts pending connections, and ends every session. */
  close(): void {
    clearInterval(this.#losses);
    this.#abort.abort();
    for (const connection of this.#connections.values()) connection.close();
  }

  /** Marks the end of a session in lists before the next key press. */
  #lookForLosses(): void {
    const lost = [...this.#connections.values()].filter(({ isEnded }) => isEnded).length;
    if (lost !== this.#lost) this.host.changed();
    this.#lost = lost;
  }
}

/** The key contains the engine: containers of two engines may have the same name. */
function markKey(connection: Connection, path: string): string {
  return `${connection.engine ?? ""} ${connection.text(path)}`;
}
