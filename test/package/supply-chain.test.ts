import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { repository } from "../helpers/paths.ts";

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
}

interface Manifest {
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const json = (name: string): unknown => JSON.parse(readFileSync(repository + name, "utf8"));
const manifest = json("package.json") as Manifest;

/** Folders with packages: porthole itself, and the charts of the bench. */
const folders = ["", "bench/charts/"];

function read(folder: string) {
  const named = json(`${folder}package.json`) as Manifest;
  const lock = json(`${folder}package-lock.json`) as {
    lockfileVersion: number;
    packages: Record<string, Locked & Manifest>;
  };
  const { "": root, ...packages } = lock.packages;
  return { named, root, packages, version: lock.lockfileVersion };
}

/** An exact version: no range, no tag, and no source other than the registry. */
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

describe.each(folders)("the packages of %spackage-lock.json", (folder) => {
  const { named, root, packages, version: format } = read(folder);

  test("have one version each, come from the registry, and have a hash that npm checks", () => {
    expect(format).toBe(3);
    expect(Object.keys(packages).length).toBeGreaterThan(0);
    const origins = new Set<string>();
    for (const [path, { version, resolved, integrity, link, inBundle }] of Object.entries(packages)) {
      const name = path.replace(/^.*node_modules\//, "");
      const file = `${name.replace(/^@[^/]*\//, "")}-${version}.tgz`;
      expect([path, version]).toEqual([path, expect.stringMatching(EXACT)]);
      const { protocol, origin, pathname } = new URL(resolved ?? "");
      expect([path, protocol, pathname]).toEqual([path, "https:", `/${name}/-/${file}`]);
      origins.add(origin);
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-[A-Za-z0-9+/]{86}==$/)]);
      expect([path, link, inBundle]).toEqual([path, undefined, undefined]);
    }
    expect([...origins]).toHaveLength(1);
  });

  test("are exact versions in package.json, which matches the lock file", () => {
    const all = { ...named.dependencies, ...named.devDependencies, ...named.optionalDependencies };
    expect(Object.keys(all).length).toBeGreaterThan(0);
    for (const [name, version] of Object.entries(all)) {
      expect([name, version]).toEqual([name, expect.stringMatching(EXACT)]);
      expect([name, packages[`node_modules/${name}`]?.version]).toEqual([name, version]);
    }
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] as const)
      expect([kind, root?.[kind]]).toEqual([kind, named[kind]]);
  });
});

describe("no code runs during an installation", () => {
  test("the package has no install script", () => {
    const scripts = Object.keys(manifest.scripts ?? {});
    expect(scripts.filter((name) => /^(pre|post)?install$|^(pre|post)?prepare$|^dependencies$/.test(name))).toEqual([]);
  });

  test("dependencies with an install script are known, and the set-up installs without scripts", () => {
    const all = folders.flatMap((folder) => Object.entries(read(folder).packages));
    const withScript = all.filter(([, { hasInstallScript }]) => hasInstallScript);
    // If a new dependency fails this test, check that it works without its script. These do: their
    // native parts are packages, or are never loaded.
    expect(withScript.map(([path]) => path.replace(/^.*node_modules\//, "")).sort()).toEqual([
      "cpu-features",
      "esbuild",
      "koffi",
      "protobufjs",
      "ssh2",
    ]);
    expect(readFileSync(`${repository}build.mjs`, "utf8")).toContain('"--ignore-scripts"');
  });
});
