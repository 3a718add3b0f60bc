import { LocalDirectory } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { PrivateDirectory, type Tree, type TreeTarget } from "../../src/routes/index.ts";
import { followLinks, type Session } from "../../src/sessions/index.ts";
import { pathBytes } from "../../src/target.ts";
import { type CopyContext, copyFile, copyTree, isOutputLost } from "../cp/copy-tree.ts";
import { LocalCopies } from "../cp/local-copies.ts";
import { complain, printable, report } from "../io/fail.ts";
import { openTarget } from "../targets/open-target.ts";
import type { SessionPool } from "../targets/session-pool.ts";
import { isDirectory, type NamedFile } from "./named-file.ts";

/**
 * Creates a tree of copies, for a stopped container that only its engine can read. The copies are
 * in a private directory, in memory if possible. Closing the tree removes them.
 * @param named files and directories of one container, at least one directory
 * @throws PortholeError FILE if there is no room for the copies; as `takeTree`
 */
export async function takeCopiedTree(sessions: SessionPool, named: readonly NamedFile[]): Promise<Tree> {
  const target = (named[0] as NamedFile).target as TreeTarget;
  const session = await sessions.session(target);
  const copies = PrivateDirectory.make("with").guard();
  try {
    for (const one of named) await copy(sessions, session, one, copies.path);
    const tree = await sessions.tree(target, { copy: copies.path });
    sayCopied(named, session);
    const close = () => {
      tree.close();
      copies.remove();
    };
    return { ...tree, close, [Symbol.dispose]: close };
  } catch (error) {
    copies.remove();
    throw isOutputLost(error) ? noRoom(named, error as PortholeError) : error;
  }
}

function noRoom([first]: readonly NamedFile[], cause: PortholeError): PortholeError {
  const hint = `copy it to a disk: porthole cp ${first?.text} DIRECTORY`;
  return new PortholeError("FILE", `no room for a copy of ${first?.text}: ${cause.message}`, {
    ...{ errno: cause.errno, hint, cause },
  });
}

async function copy(sessions: SessionPool, session: Session, one: NamedFile, root: string): Promise<void> {
  // Reports in one line each file that the engine cannot copy, because the command does not see it.
  const context: CopyContext = { sessions, dereference: false, replace: true, failed: report, copied: () => undefined };
  const path = await followLinks(one.target.path, (link) => session.readlink(link));
  const parts = path.split("/").filter((part) => part !== "");
  const name = isDirectory(one) ? undefined : parts.pop();
  let directory = LocalDirectory.open(pathBytes(root));
  try {
    for (const part of parts) {
      using parent = directory;
      directory = parent.subdirectory(pathBytes(part));
    }
    const copies = new LocalCopies(directory);
    if (name === undefined) await copyTree(one, session, copies, context);
    else await copyFile(await openTarget(session, one, {}), copies, name, context);
  } finally {
    directory.close();
  }
}

function sayCopied(named: readonly NamedFile[], { whyCopied }: Session): void {
  const names = named.map(({ text }) => text).join(", ");
  complain(printable(`${names} ${named.length === 1 ? "is" : "are"} passed as a copy by the engine: ${whyCopied}`));
}
