import type { ProcessFile } from "../../../../src/files/index.ts";
import type { OutputPath, Target } from "../../../../src/target.ts";
import type { Colours } from "../../../ls/colours.ts";
import type { ConnectionOptions } from "../../../targets/options.ts";
import type { Theme } from "../../canvas/theme.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Host } from "../../view/view.ts";
import type { FoundMatch } from "../../viewer/positions/start-position.ts";
import type { Arrangement } from "./arrangement.ts";

/** How to open a view: over the visible view, or in a new tab. */
export type OpenMode = "over" | "tab";

/**
 * The data that the browser's views share, and the views that they may open. `Browser` implements
 * it and creates the views.
 */
export interface BrowserContext {
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
  /** Share of the width for a list beside its preview. */
  listShare: number;
  /** Marked files, and marked outputs of containers, by target. */
  readonly marks: Map<string, { connection: Connection; path: string }>;
  /**
   * Returns the connection to a target, which the browser closes. `engine` is necessary if several
   * engines have a container of this name.
   */
  connection(target: Target, engine?: string): Connection;
  openFiles(connection: Connection, path: string, select?: string, how?: OpenMode): void;
  openProcesses(connection: Connection, how?: OpenMode): void;
  openMounts(connection: Connection, how?: OpenMode): void;
  /** Shows and follows a container's output. Shows failures as a message. */
  openOutput(connection: Connection, path?: OutputPath, how?: OpenMode): Promise<void>;
  openSandboxes(known: readonly number[]): void;
  openFind(connection: Connection, directory: string, text: string, test: (name: string) => boolean): void;
  /**
   * Opens a path in the viewer, at a match if one is given. Passes a directory (also through a
   * link) to `on.directory`. Shows failures as a message.
   */
  openPath(
    connection: Connection,
    path: string,
    on: { directory(path: string): void; match?: FoundMatch },
    how?: OpenMode,
  ): Promise<void>;
  /** Opens a log with its earlier, rotated files as one text. Shows failures as a message. */
  openRotated(connection: Connection, path: string): Promise<void>;
  /** Opens a descriptor of a process: its file, deleted or not. */
  openProcessFile(connection: Connection, pid: number, file: ProcessFile, how?: OpenMode): Promise<void>;
  isMarked(connection: Connection, path: string): boolean;
  toggleMark(connection: Connection, path: string): void;
  /** Follows all marked sources, merged by time. Without marks, follows the selected file. */
  followMarked(selected?: { connection: Connection; path: string }): Promise<void>;
}
