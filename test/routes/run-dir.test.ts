import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ensureRunDirectory, runDirectoryPaths } from "../../src/routes/run-directory/run-dir.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8);
const refusal = (why: RegExp) => expect.objectContaining({ code: "ATTACH", message: expect.stringMatching(why) });

/** Returns paths below a state directory of this test. */
function state() {
  const environment = { XDG_STATE_HOME: temporaryDirectory() };
  return { environment, paths: runDirectoryPaths(environment), ensure: () => ensureRunDirectory(environment) };
}

describe("the run directory", () => {
  test("is in XDG_STATE_HOME, or in ~/.local/state if that is missing or relative", () => {
    expect(runDirectoryPaths({ XDG_STATE_HOME: "/state" })).toEqual({
      ...{ root: "/state/porthole", agents: "/state/porthole/agents", mount: "/state/porthole/mnt" },
    });
    for (const environment of [{}, { XDG_STATE_HOME: "" }, { XDG_STATE_HOME: "state" }])
      expect(runDirectoryPaths({ HOME: "/home/me", ...environment }).root).toBe("/home/me/.local/state/porthole");
  });

  test("is in the home directory of the user database if HOME is missing, empty or relative", () => {
    for (const environment of [{}, { HOME: "" }, { HOME: "." }, { HOME: "below" }])
      expect(runDirectoryPaths(environment).root).toBe(join(userInfo().homedir, ".local/state/porthole"));
  });

  test.each([0o000, 0o022, 0o077, 0o177])("is created with its modes under any umask: %o", (umask) => {
    const environment = { XDG_STATE_HOME: `${temporaryDirectory()}/a/b` };
    const paths = runDirectoryPaths(environment);
    const before = process.umask(umask);
    onTestFinished(() => {
      process.umask(before);
    });
    expect(ensureRunDirectory(environment)).toEqual(paths);
    expect([paths.root, paths.agents, paths.mount].map(mode)).toEqual(["700", "700", "711"]);
  });

  test("is created with its parents, and is not changed a second time", () => {
    const environment = { XDG_STATE_HOME: `${temporaryDirectory()}/a/b` };
    const { mount } = ensureRunDirectory(environment);
    const { ino } = lstatSync(mount);
    ensureRunDirectory(environment);
    expect(lstatSync(mount).ino).toBe(ino);
  });

  test("is made private again if other users can read it", () => {
    const { paths, ensure } = state();
    ensure();
    for (const path of Object.values(paths)) chmodSync(path, 0o755);
    ensure();
    expect([paths.root, paths.agents, paths.mount].map(mode)).toEqual(["700", "700", "711"]);
  });
});

describe("a run directory is refused", () => {
  test.each(["root", "agents", "mount"] as const)("if other users can write to its %s", (part) => {
    for (const open of [0o770, 0o707, 0o722]) {
      const { paths, ensure } = state();
      ensure();
      chmodSync(paths[part], open);
      expect(ensure).toThrow(refusal(new RegExp(`it is writable by others \\(mode 0${open.toString(8)}\\)$`)));
      expect(mode(paths[part])).toBe(open.toString(8));
    }
  });

  test.each(["root", "agents", "mount"] as const)("if its %s is a link, even to a valid directory", (part) => {
    const { paths, ensure } = state();
    const elsewhere = temporaryDirectory();
    if (part !== "root") mkdirSync(paths.root, { mode: 0o700 });
    symlinkSync(elsewhere, paths[part]);
    expect(ensure).toThrow(refusal(/it is not a directory$/));
  });

  test.each(["root", "agents", "mount"] as const)("if its %s is a file", (part) => {
    const { paths, ensure } = state();
    if (part !== "root") mkdirSync(paths.root, { mode: 0o700 });
    writeFileSync(paths[part], "");
    expect(ensure).toThrow(refusal(/it is not a directory$/));
  });

  test.each([
    ["/proc/none/deep", "ENOENT"],
    ["/etc/hostname", "ENOTDIR"],
  ])("if it cannot be created in %s, with a remedy", (place, errno) => {
    expect(() => ensureRunDirectory({ XDG_STATE_HOME: place })).toThrow(
      expect.objectContaining({
        ...{ code: "ATTACH", errno, hint: expect.stringContaining("XDG_STATE_HOME") },
        message: expect.stringMatching(`^cannot create the run directory ${place}/porthole: `),
      }),
    );
  });
});

describeAsRoot("a run directory of another user is refused", () => {
  test.each(["root", "agents", "mount"] as const)("because of its %s", (part) => {
    const { paths, ensure } = state();
    ensure();
    chownSync(paths[part], ORDINARY_USER, ORDINARY_USER);
    expect(ensure).toThrow(refusal(new RegExp(`it belongs to uid ${ORDINARY_USER}$`)));
  });
});
