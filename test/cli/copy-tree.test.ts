import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { copyTree } from "../../cli/cp/copy-tree.ts";
import { LocalCopies } from "../../cli/cp/local-copies.ts";
import { SessionPool } from "../../cli/targets/session-pool.ts";
import { LocalDirectory } from "../../src/descriptors/index.ts";
import { messageOf } from "../../src/errors.ts";
import type { Session } from "../../src/sessions/index.ts";
import { parseTarget } from "../../src/target.ts";

// A container can replace a file at any time. The copy must not wait for a FIFO, or fill the disk
// from an endless device.
test("a file that is replaced by a link to a device after it was listed is reported, and the rest is copied", async () => {
  const base = fs.mkdtempSync(`${tmpdir()}/porthole-tree-`);
  onTestFinished(() => fs.rmSync(base, { recursive: true }));
  const [from, to] = [`${base}/from`, `${base}/to`];
  fs.mkdirSync(from);
  fs.mkdirSync(to);
  for (const name of ["a", "b", "c"]) fs.writeFileSync(`${from}/${name}`, name);
  const sessions = new SessionPool({ route: "auto" });
  onTestFinished(() => sessions.close());
  const target = parseTarget(from);
  const session = await sessions.session(target);
  const list: Session["list"] = async function* (path, options) {
    yield* session.list(path, options);
    fs.rmSync(`${from}/b`);
    fs.symlinkSync("/dev/null", `${from}/b`);
  };
  const changing = new Proxy(session, {
    get(object, name) {
      const value: unknown = name === "list" ? list : Reflect.get(object, name);
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
  const failures: string[] = [];
  const failed = (error: unknown) => void failures.push(messageOf(error));
  using copies = new LocalCopies(LocalDirectory.open(Buffer.from(to)));
  const context = { sessions, dereference: false, replace: false, failed, copied: () => undefined };
  await copyTree({ text: from, target }, changing, copies, context);
  expect(failures).toEqual([`not copied: ${from}/b: a character device`]);
  expect(fs.readdirSync(to).sort()).toEqual(["a", "c"]);
});
