import { isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import {
  eachSelected,
  type FindExpression,
  parseFind,
  readNames,
  selectFiles,
  type TakeOver,
  type WalkedFile,
} from "../../src/files/index.ts";
import { pathBytes } from "../../src/target.ts";
import type { TreeWalk } from "../find/tree-walk.ts";
import { exitStatus, report } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { filesLine, Progress } from "../io/progress.ts";
import { fileRecord } from "../ls/file-record.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

export interface FindOptions extends ConnectionOptions {
  bare?: boolean;
  json?: boolean;
}

/**
 * `porthole find`: searches below each target. Continues after a failure and returns the highest
 * status.
 */
export async function find(args: string[], options: FindOptions): Promise<number> {
  const first = args.findIndex((word) => /^[-(!]/.test(word));
  const targets = first === -1 ? args : args.slice(0, first);
  if (targets.length === 0)
    throw new PortholeError("USAGE", "find: missing target before the expression", {
      hint: "porthole find web:/var -name '*.log'",
    });
  const expression = parseFind(args.slice(targets.length), Date.now());
  using sessions = new SessionPool(options);
  const out = await printer(options);
  let status = 0;
  const failed = (error: unknown) => {
    out.flush();
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  try {
    for (const text of targets) {
      for (const named of await sessions.expand([text], failed)) {
        try {
          await search(sessions, named, expression, { ...options, out, failed });
        } catch (error) {
          failed(error);
        }
      }
    }
  } finally {
    out.flush();
  }
  return status;
}

interface Output {
  add(text: string): void;
  /** Called for each visited file, which the progress line counts. */
  looked(): void;
  flush(): void;
  show(text: string): string;
}

async function search(
  sessions: SessionPool,
  named: NamedTarget,
  expression: FindExpression,
  options: FindOptions & { out: Output; failed: (error: unknown) => void },
): Promise<void> {
  const { out, failed, bare, json } = options;
  const { text, target } = named;
  const session = await sessions.session(target);
  const prefix = bare ? "" : text.slice(0, text.length - target.path.length);
  const looked = () => out.looked();
  if (!json) {
    const takeOver = expression.needsOwners ? undefined : longWalk({ sessions, session, named, expression, failed });
    return eachSelected(session, target.path, expression, { failed, looked, takeOver }, (path, end) =>
      out.add(out.show(prefix + path) + end),
    );
  }
  const [users, groups] = [await readNames(session, "/etc/passwd"), await readNames(session, "/etc/group")];
  const record = (file: WalkedFile) =>
    fileRecord({ ...file, target: prefix + file.path, linkMode: undefined, total: undefined, users, groups });
  for await (const { file } of selectFiles(session, target.path, expression, { stat: true, failed, looked }))
    out.add(jsonLine(record(file)));
}

/**
 * Number of files after which a walk continues on a tree. Starting such a walk takes as long as
 * listing some thousand files.
 */
const LONG = 2_000;

function longWalk(walk: TreeWalk): Omit<TakeOver, "visit"> | undefined {
  return walk.session.agent
    ? {
        after: LONG,
        below: async function* (directories) {
          const { walkOnTree } = await import("../find/tree-walk.ts");
          yield* walkOnTree(walk, directories);
        },
      }
    : undefined;
}

async function printer({ json }: FindOptions): Promise<Output> {
  const isShown = isTerminal(1);
  const text = isShown && !json ? await import("../../src/text/index.ts") : undefined;
  const progress = isTerminal(2) ? new Progress() : undefined;
  let looked = 0;
  let pending = "";
  const flush = () => {
    const taken = pending;
    pending = "";
    if (isShown) progress?.giveWay();
    else progress?.erase();
    if (taken !== "") write(pathBytes(taken));
  };
  return {
    add(piece) {
      pending += piece;
      if (pending.length > FLUSH || isShown) flush();
    },
    looked() {
      looked++;
      if (looked % PROGRESS_STEP === 0)
        progress?.show((elapsedMs, columns) => filesLine(looked, undefined, elapsedMs, columns));
    },
    flush,
    show: (shown) => text?.sanitiseText(shown) ?? shown,
  };
}

const FLUSH = 32 * 1024;
/** Number of files between two reads of the clock. */
const PROGRESS_STEP = 64;
