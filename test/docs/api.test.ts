import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine, image, newVolume } from "../helpers/engine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { repository } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";

const guide = readFileSync(`${repository}docs/api.md`, "utf8");
const programs = [...guide.matchAll(/^## (.*)\n\n```ts\n([\s\S]*?)```/gm)].map(([, title = "", code = ""]) => ({
  name: `api-${title.replace(/\W+/g, "-")}`,
  code,
}));
const offlineProgram = /^## What does not run[\s\S]*?```ts\n([\s\S]*?)```/m.exec(guide)?.[1] ?? "";
const folder = `${repository}build/`;

describe("docs/api.md", () => {
  test("names everything that the library exports", () => {
    const text = readFileSync(`${repository}src/index.ts`, "utf8");
    const names = [...text.matchAll(/\{([^}]*)\}/g)]
      .flatMap(([, list = ""]) => list.split(","))
      .map((item) =>
        item
          .trim()
          .replace(/^type /, "")
          .replace(/^\w+ as /, ""),
      )
      .filter(Boolean);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !guide.includes(`\`${name}`))).toEqual([]);
  });

  test("has at most 300 lines", () => {
    expect(guide.split("\n").length).toBeLessThanOrEqual(300);
  });
});

describeWith(["docker"], "the program of docs/api.md for what does not run", () => {
  test("lists a stopped container, an image and a volume, and prints the container's output", async () => {
    const on = engine("docker");
    const volume = await newVolume(on);
    const target = await container(on, {
      steps: ["write", "/proc/self/fd/1", "printed"],
      host: { Binds: [`${volume}:/data`] },
    });
    await target.handle.kill();
    await target.handle.wait();
    const code = offlineProgram
      .replaceAll('"web', `"${target.name}`)
      .replace("nginx:1.25", await image(on))
      .replace("volume:data", `volume:${volume}`);
    writeFileSync(`${folder}api-offline.ts`, code);
    const { status, stdout, stderr } = run("api-offline", user({ engine: on }).env);
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout).toContain(`${target.name} stopped workload\n`);
    expect(stdout).toContain(" image workload\n");
    expect(stdout).toContain("printed\n");
  });
});

describeWith(["userNamespaces"], "each program of docs/api.md", () => {
  let target: Sandbox;
  beforeAll(async () => {
    const steps = ["dir", "/var", "dir", "/var/log", "write", "/var/log/app.log", "a line", "hold", "/var/log/app.log"];
    target = await sandbox({ steps });
    for (const { name, code } of programs)
      writeFileSync(`${folder}${name}.ts`, code.replace('connect("web")', `connect("pid:${target.pid}")`));
  });

  test("has the right types", () => {
    const files = programs.map(({ name }) => `${name}.ts`);
    const config = { extends: "../tsconfig.json", include: [], files };
    writeFileSync(`${folder}api.json`, JSON.stringify(config));
    const { stdout } = spawnSync("npx", ["tsc", "-p", "build/api.json"], { cwd: repository, encoding: "utf8" });
    expect(stdout).toBe("");
  });

  test.each(programs)("$name runs", ({ name }) => {
    const { status, stdout, stderr } = run(name, user().env);
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout !== "" || name === "api-Containers").toBe(true);
  });
});

/** Compiles and runs a program of the page. */
function run(name: string, env: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const outfile = `${folder}${name}.mjs`;
  buildSync({ entryPoints: [`${folder}${name}.ts`], outfile, format: "esm", target: "node20" });
  const cwd = inject("machine").directory;
  return spawnSync(process.execPath, [outfile], { cwd, encoding: "utf8", env: { ...process.env, ...env } });
}
