import { DT_DIR } from "../../../../src/descriptors/index.ts";
import { fullTime } from "../../../ls/times.ts";
import { grouped } from "../../canvas/grouped.ts";
import type { Connection } from "../../connection/connection.ts";
import { failureLines } from "../../connection/failure-lines.ts";
import type { Action } from "../../keymap/keymap.ts";
import type { List } from "../../lists/list.ts";
import type { Status } from "../../view/view.ts";
import { rotatedNames } from "../../viewer/document/rotated-names.ts";
import type { BrowserContext } from "../common/context.ts";
import { liveness } from "../common/liveness.ts";
import type { DirectoryReading } from "./directory-reading.ts";
import { backingSentence, type FileItem } from "./files-items.ts";
import type { SelectedLayer } from "./selected-layer.ts";

/** A directory's list, its source, and details of its selected file. */
export interface ListedDirectory {
  browser: BrowserContext;
  connection: Connection;
  list: List<FileItem>;
  reading: DirectoryReading;
  layer: SelectedLayer;
  path(): string;
}

/** Describes a directory's list: in the status row, and in place of an empty list. */
export class FilesStatus {
  readonly #listed: ListedDirectory;
  /** Number of earlier files of the selected log, which were rotated. */
  #earlier: { selected: FileItem; items: readonly FileItem[]; count: number } | undefined;

  constructor(listed: ListedDirectory) {
    this.#listed = listed;
  }

  /** Returns the status row. `hidden`: number of hidden files. */
  row(hidden: number): Status {
    const { browser, connection, list, reading, layer } = this.#listed;
    const { at, shown } = list.counts;
    const { selected } = list;
    const marks = browser.marks.size;
    const { items, isGoing, isWhole } = reading;
    const why = items.length > 0 ? reading.whyNotLive : undefined;
    return {
      ...liveness({ list, connection, why, key: browser.host.keyOf("list", "refresh") }, () =>
        selected ? remark(selected, layer.sentence(selected)) : "",
      ),
      right: [
        marks > 0 ? `${grouped(marks)} marked (${this.#key("follow-marked")} follows)` : "",
        this.#earlierFiles(selected),
        hidden > 0 ? `${grouped(hidden)} hidden (${this.#key("toggle-hidden")} shows)` : "",
        isGoing ? "reading" : "",
        isWhole ? "" : `only the first: ${this.#key("goto-path")} goes to a path`,
        shown > 0 ? `${grouped(at)} of ${grouped(shown)}` : "",
      ]
        .filter(Boolean)
        .join("  "),
    };
  }

  /** Returns why the list is empty. */
  emptyLines(hidden: number): string[] {
    const { browser, connection, reading } = this.#listed;
    const { failure, isGoing } = reading;
    if (failure !== undefined) return [...failureLines(failure, browser.host.keyOf("list", "refresh")), this.#leave];
    if (isGoing)
      return [
        connection.route === "" && connection.name !== "" ? `attaching to ${connection.name} ...` : "reading ...",
      ];
    const what =
      hidden > 0 ? [`${grouped(hidden)} hidden`, `${this.#key("toggle-hidden")} shows them`] : ["empty directory"];
    return [...what, this.#leave];
  }

  get #leave(): string {
    const { browser, path } = this.#listed;
    return path() === "/"
      ? `${browser.host.keyOf("global", "back")} leaves this directory`
      : `${this.#key("parent")} goes to the parent directory`;
  }

  /** Returns a note if the selected file is the newest of a rotated log. */
  #earlierFiles(selected: FileItem | undefined): string {
    if (selected === undefined || selected.entry.type === DT_DIR) return "";
    const { reading } = this.#listed;
    const { items } = reading;
    if (this.#earlier?.selected !== selected || this.#earlier.items !== items) {
      const { name } = selected.entry;
      const count = rotatedNames(name, reading.namesFrom(name)).length;
      this.#earlier = { selected, items, count };
    }
    const { count } = this.#earlier;
    return count === 0
      ? ""
      : `${grouped(count)} earlier ${count === 1 ? "file" : "files"} (${this.#key("rotated")} opens all)`;
  }

  #key(action: Action): string {
    return this.#listed.browser.host.keyOf("files", action);
  }
}

/** Describes a file by its layer, or else its storage, and by its modification time. */
function remark({ entry, backing }: FileItem, layer: string | undefined): string {
  const modified = entry.stat && `modified ${fullTime(entry.stat.mtime).slice(0, "2026-01-31 12:00:00".length)}`;
  return [layer ?? (backing && backingSentence(backing)), modified].filter(Boolean).join(", ");
}
