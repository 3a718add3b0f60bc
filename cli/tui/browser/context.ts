import type { ProcessFile } from "../../../src/files/index.ts";
import type { Target } from "../../../src/target.ts";
import type { Colours } from "../../ls/colours.ts";
import type { ReachOptions } from "../../targets/options.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Host } from "../view.ts";
import type { BrowsedTarget } from "./browsed-target.ts";
import type { Arrangement } from "./files-items.ts";

/** Replaces the view that is shown, or opens a tab. */
export type How = "over" | "tab";

/** What the views of the browser share, and what they may open. `Browser` is the one that makes the views. */
export interface BrowserContext {
  readonly host: Host;
  readonly options: ReachOptions;
  readonly theme: Theme;
  /** Colours of names, by LS_COLORS; undefined without colours. */
  readonly colours: Colours | undefined;
  readonly arrangement: Arrangement;
  /** Show the content of the selected file, where there is room. */
  preview: boolean;
  /** Marked files, by target. */
  readonly marks: Map<string, { place: BrowsedTarget; path: string }>;
  /** The target with its session; `engine` where the name alone may mean another container. Closed with the browser. */
  place(target: Target, engine?: string): BrowsedTarget;
  openFiles(place: BrowsedTarget, path: string, select?: string, how?: How): void;
  openProcesses(place: BrowsedTarget, how?: How): void;
  openMounts(place: BrowsedTarget, how?: How): void;
  openSandboxes(known: readonly number[]): void;
  openFind(place: BrowsedTarget, directory: string, text: string, test: (name: string) => boolean): void;
  /** Opens a path in the viewer; a directory (also through a link) is given to `on.directory`. Failures are shown as a message. */
  openPath(place: BrowsedTarget, path: string, on: { directory(path: string): void }, how?: How): Promise<void>;
  /** Opens a descriptor of a process itself: what it holds, deleted or not. */
  openProcessFile(place: BrowsedTarget, pid: number, file: ProcessFile, how?: How): Promise<void>;
  toggleMark(place: BrowsedTarget, path: string): void;
  /** Follows every marked file, lines in order of arrival; without marks the given one. */
  followMarked(place: BrowsedTarget, path: string | undefined): Promise<void>;
}
