import { expect, test } from "vitest";
import { PortholeError } from "../../src/errors.ts";
import { isGoneProcess, walk } from "../../src/files/index.ts";
import { connect, type Session } from "../../src/sessions/index.ts";

test.each<[path: string, errno: string, isGone: boolean]>([
  ["/proc/4242", "ENOENT", true],
  ["/proc/4242/task/4243/net", "ESRCH", true],
  ["/./proc/4242/fd/3", "ENOENT", true],
  ["/proc/4242/root", "EACCES", false],
  ["/proc/net", "ENOENT", false],
  ["/srv/proc/42/x", "ENOENT", false],
  ["/proc/42x", "ENOENT", false],
])("%s with %s is a process that has ended: %s", (path, errno, isGone) => {
  expect(isGoneProcess(path, new PortholeError("FILE", "", { errno: errno as "ENOENT" }))).toBe(isGone);
});

test("a process that ends during a walk is not an error, a file that cannot be listed is one", async () => {
  await using session = await connect("/");
  const own = `/proc/${process.pid}`;
  const failing = (errno: "ENOENT" | "EACCES") =>
    new Proxy(session, {
      get(on, name) {
        if (name === "list")
          return async function* (path: string, options: object) {
            if (path === `${own}/task`) throw new PortholeError("FILE", `cannot list ${path}: ${errno}`, { errno });
            yield* on.list(path, options);
          };
        const value = Reflect.get(on, name);
        return typeof value === "function" ? value.bind(on) : value;
      },
    }) as Session;
  const failures = async (errno: "ENOENT" | "EACCES") => {
    const errors: (string | undefined)[] = [];
    const enter = ({ path }: { path: string }) => path === own || path === `${own}/task`;
    for await (const _ of walk(failing(errno), own, { enter, failed: (error) => errors.push(error.errno) }));
    return errors;
  };
  expect(await failures("ENOENT")).toEqual([]);
  expect(await failures("EACCES")).toEqual(["EACCES"]);
});
