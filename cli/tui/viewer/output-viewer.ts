import { fstatSync } from "node:fs";
import { identityOf } from "../../../src/follow/index.ts";
import { OutputSpool, type SpoolEvent } from "../../../src/sessions/index.ts";
import type { Target } from "../../../src/target.ts";
import { outputNotice } from "../../tail/output-notice.ts";
import { LastExit } from "../connection/last-exit.ts";
import type { ViewerViewOptions } from "./viewer-view-options.ts";

/**
 * Returns options that show a container's own output as a growing file, with events of the
 * container as rows. `closed` ends the output.
 * @throws PortholeError TARGET, FILE
 */
export async function outputViewer(
  { name, path }: Target & { kind: "output" },
  engine: string | undefined,
): Promise<
  Pick<ViewerViewOptions, "file" | "subtitle" | "watchSubtitle" | "followSource" | "newFrom" | "lend"> & {
    closed(): void;
  }
> {
  const early: string[] = [];
  let tell = (text: string) => {
    early.push(text);
  };
  const lastExit = new LastExit(name, engine);
  const spool = await OutputSpool.open(name, path, {
    engine,
    tell: (event) => {
      if (event.kind === "ended") void lastExit.ask();
      else lastExit.clear();
      tell(noticeOf(event));
    },
  });
  const { file } = spool;
  const identity = identityOf(file.stat);
  const generation = {
    ...{ file, identity },
    stat: () => {
      const { size, mtimeMs } = fstatSync(file.fd);
      return { size, modified: mtimeMs };
    },
    read: (position: number, buffer: Uint8Array) => file.read(buffer, position),
    close: () => undefined,
  };
  return {
    file,
    subtitle: () => ["output", lastExit.text].filter(Boolean).join(", "),
    watchSubtitle: (changed) => lastExit.watch(changed),
    followSource: (note) => {
      tell = note;
      for (const text of early.splice(0)) note(text);
      return { file: generation, locate: async () => identity, reopen: async () => undefined };
    },
    newFrom: () => spool.newFrom,
    lend: async () => (await import("../../../src/sessions/index.ts")).copyOpenFile(file),
    closed: () => {
      lastExit.close();
      spool.close();
    },
  };
}

function noticeOf(event: SpoolEvent): string {
  if (event.kind !== "full") return outputNotice(event);
  return `the output is shown up to here: ${event.error.message}`;
}
