import {
  listProcesses,
  type MappedFile,
  type ProcessFile,
  readNames,
  type TargetProcess,
} from "../../../src/files/index.ts";
import { kindOf } from "../../../src/sessions/index.ts";
import { humanSize } from "../../ls/sizes.ts";
import { grouped } from "../canvas/grouped.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Connection } from "../connection/connection.ts";
import type { ListItem } from "../lists/list.ts";
import type { Column } from "../lists/table.ts";
import type { BrowserContext } from "./common/context.ts";
import { LoadedView } from "./common/loaded-view.ts";

/** Maximum number of open files, of a kilobyte each. A single process may have a million. */
const MAX_FILES = 200_000;

/** A process, an open file of it, or a deleted file that it only maps. */
interface OpenFileItem extends ListItem {
  process: TargetProcess;
  file: ProcessFile | undefined;
  mapped: MappedFile | undefined;
}

/** Lists the processes of a target, each with its open files. */
export function processesView(browser: BrowserContext, connection: Connection): LoadedView<OpenFileItem> {
  const only = { deleted: false };
  let isWhole = true;
  const view: LoadedView<OpenFileItem> = new LoadedView<OpenFileItem>(
    {
      contexts: ["files-open"],
      title: `${connection.name || "this machine"}  open files`,
      connection,
      columns: columns(browser.theme),
      load: (some, signal) =>
        connection.use(async (session) => {
          const users = await readNames(session, "/etc/passwd");
          const items: OpenFileItem[] = [];
          let files = 0;
          for await (const process of listProcesses(session, { files: true, maxFiles: MAX_FILES })) {
            files += process.files.length + process.mapped.length;
            for (const item of itemsOf(process, users, only.deleted)) items.push(item);
            isWhole = files < MAX_FILES && items.length < 2 * MAX_FILES;
            if (signal.aborted || !isWhole) break;
            await some(items);
          }
          // In the order of the numbers that are shown; a container's are not those of the host.
          return items.sort((one, other) => one.process.pid - other.process.pid);
        }),
      open: ({ process, file, mapped }, how) => {
        if (mapped) browser.host.say("cannot open it: it is only mapped, without a descriptor");
        if (file) void browser.openProcessFile(connection, process.pid, file, how);
      },
      act: (action) => {
        if (action !== "toggle-deleted") return false;
        only.deleted = !only.deleted;
        view.act("refresh");
        return true;
      },
      remark,
      summary: (items) =>
        [isWhole ? "" : `only the first ${grouped(MAX_FILES)}`, held(items)].filter(Boolean).join("  "),
      get nothing() {
        const why = "on the mount route the agent has the container's restrictions";
        if (!only.deleted) return ["no open files that this user may see", why];
        return [
          "no deleted file is open",
          `${browser.host.keyOf("files-open", "toggle-deleted")} shows all open files`,
        ];
      },
    },
    browser,
  );
  return view;
}

function itemsOf(process: TargetProcess, users: Map<number, string>, deletedOnly: boolean): OpenFileItem[] {
  const { pid, uid, command, arguments: args, files, mapped, filesError } = process;
  const shown = deletedOnly ? files.filter(({ deleted }) => deleted) : files;
  if (deletedOnly && shown.length + mapped.length === 0) return [];
  const line = args.length > 0 ? args.join(" ") : `[${command}]`;
  const why = filesError ? `: ${filesError.message}` : "";
  const heading = {
    key: `process ${pid}`,
    text: `PID ${pid} · ${users.get(uid) ?? uid} · ${line}${why}`,
    heading: true,
    process,
    file: undefined,
    mapped: undefined,
  };
  return [
    heading,
    ...shown.map((file) => ({
      key: `${pid} ${file.fd}`,
      text: `${pid} ${line} ${file.path}${file.deleted ? " deleted" : ""}`,
      process,
      file,
      mapped: undefined,
    })),
    ...mapped.map((one) => ({
      key: `${pid} mapped ${one.inode} ${one.path}`,
      text: `${pid} ${line} ${one.path} deleted`,
      process,
      file: undefined,
      mapped: one,
    })),
  ];
}

function columns(theme: Theme): Column<OpenFileItem>[] {
  const of =
    (read: (file: ProcessFile) => string, ofMapped: (mapped: MappedFile) => string = () => "-") =>
    ({ file, mapped }: OpenFileItem) =>
      file ? read(file) : mapped ? ofMapped(mapped) : "";
  return [
    { title: "FD", cell: of(({ fd }) => String(fd)), align: "right" },
    { title: "ACCESS", cell: of(accessLabel, ({ access }) => LETTERS[access]), dispensable: 3 },
    {
      title: "OFFSET",
      cell: of((file) => (hasPositions(file) ? humanSize(file.position) : "-")),
      align: "right",
      dispensable: 2,
    },
    {
      title: "SIZE",
      cell: of(
        (file) => (kindOf(file.stat.mode) === "file" ? humanSize(file.stat.size) : "-"),
        ({ bytes }) => humanSize(bytes),
      ),
      align: "right",
      dispensable: 1,
    },
    {
      title: "PATH",
      rest: true,
      cell: ({ file, mapped }) => {
        if (mapped) return [{ text: `${mapped.path}  deleted, only mapped`, style: theme.bad }];
        if (file === undefined) return "";
        return [
          { text: file.path, style: file.deleted ? theme.bad : undefined },
          { text: file.deleted ? `  deleted, holds ${humanSize(file.held)}` : "", style: theme.bad },
        ];
      },
    },
  ];
}

function remark(item: OpenFileItem | undefined): string {
  if (item?.mapped) return "deleted and only mapped: may use up to its size until it is unmapped";
  if (!item?.file) return "";
  const { deleted, held } = item.file;
  if (!deleted) return positionText(item.file);
  return held > 0n
    ? `deleted: ${grouped(held)} bytes stay allocated until it is closed`
    : "this name was deleted; the file has other names or is in an image's layer";
}

/** The exact offset of a file, which its column rounds. */
function positionText(file: ProcessFile): string {
  if (kindOf(file.stat.mode) !== "file") return "";
  return `at byte ${grouped(file.position)} of ${grouped(file.stat.size)}`;
}

/** Returns the total size of the deleted files. Counts a file that is open twice only once. */
function held(items: readonly OpenFileItem[]): string {
  const files = new Map<string, bigint>();
  for (const { file } of items) {
    if (!file?.deleted) continue;
    const { device, inode } = file.stat;
    files.set(`${device.major}:${device.minor}:${inode}`, file.held);
  }
  const total = [...files.values()].reduce((sum, one) => sum + one, 0n);
  return total === 0n ? "" : `${humanSize(total)} held by deleted files`;
}

function accessLabel({ access, append }: ProcessFile): string {
  return append ? `${LETTERS[access]}a` : LETTERS[access];
}

const LETTERS = { read: "r", write: "w", "read and write": "rw", path: "-" } as const;

function hasPositions({ stat }: ProcessFile): boolean {
  const kind = kindOf(stat.mode);
  return kind === "file" || kind === "block device";
}
