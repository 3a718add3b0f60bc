import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { Readable } from "node:stream";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { engine, uniqueName } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";

/*
 * Builds docker/agent.Dockerfile on a base image that is made of the local compiler, without a pull
 * and without a network.
 */

describeWith(["root", "docker", "musl"], "docker/agent.Dockerfile", () => {
  const base = `localhost/${uniqueName("porthole-compiler")}`;
  let context: Buffer;
  beforeAll(async () => {
    const { api } = engine("docker");
    const answer = await api.importImage(Readable.from([archive(compilerTree())]), { repo: base });
    await Readable.from(answer).toArray();
    const tree = mkdtempSync(`${inject("machine").directory}/context-`);
    cpSync(`${repository}docker/agent.Dockerfile`, `${tree}/agent.Dockerfile`);
    cpSync(`${repository}agent`, tree, { recursive: true, filter: (path) => !/\/(build|prebuilt)(\/|$)/.test(path) });
    context = archive(tree);
  });

  describe.each([
    { builder: "the classic builder", version: "1" as const },
    { builder: "BuildKit", version: "2" as const },
  ])("with $builder", ({ version }) => {
    test.each(["", "program"])(
      "builds the same agent as npm run build, byte for byte, and no other file (target '%s')",
      async (target) => {
        const { api } = engine("docker");
        const name = `localhost/${uniqueName("porthole-built")}`;
        const buildargs = { BASE: base, TOOLS: "true", CC: "musl-gcc" };
        const options = { version, t: name, dockerfile: "agent.Dockerfile", networkmode: "none", buildargs, target };
        const said = await Readable.from(await api.buildImage(Readable.from([context]), options)).toArray();
        const made = await api.createContainer({ Image: name, Cmd: ["/agent"] }).catch(() => {
          throw new Error(Buffer.concat(said as Buffer[]).toString());
        });
        try {
          const files = Buffer.concat(await Readable.from(await made.export()).toArray());
          const names = spawnSync("tar", ["-t"], { input: files, encoding: "utf8" }).stdout.trim().split("\n");
          const path = target === "" ? "agent" : "porthole-agent";
          // Ignore files that the engine itself adds to every container.
          expect(names.filter((each) => !/^(\.dockerenv|dev|etc|proc|sys)(\/|$)/.test(each))).toEqual([path]);
          const program = spawnSync("tar", ["-xO", path], { input: files, maxBuffer: 1 << 24 }).stdout;
          expect(program.equals(readFileSync(`${repository}agent/build/porthole-agent`))).toBe(true);
        } finally {
          await made.remove({ force: true });
        }
      },
    );
  });
});

/**
 * Copies the local musl-gcc with the files that it needs, and the programs that the Makefile calls.
 */
function compilerTree(): string {
  const tree = mkdtempSync(`${inject("machine").directory}/compiler-`);
  const script = `
    set -e
    programs=$(for name in sh make musl-gcc "$(uname -m)-linux-gnu-gcc" as ld rm mkdir mv cat cut sha256sum; do command -v $name; done)
    for name in cc1 collect2; do programs="$programs $(gcc -print-prog-name=$name)"; done
    compiler=$(dirname "$(gcc -print-prog-name=cc1)")
    programs="$programs $compiler/liblto_plugin.so"
    libraries=$(for program in $programs; do ldd $program 2>/dev/null | grep -o '/[^ ]*' || true; done | sort -u)
    cp -rL --parents $programs $libraries $compiler/include $compiler/libgcc*.a $compiler/crt*.o /usr/lib/*-linux-musl /usr/include/*-linux-musl "$0"
  `;
  const { status, stderr } = spawnSync("sh", ["-c", script, tree], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  mkdirSync(`${tree}/tmp`);
  symlinkSync("usr/bin", `${tree}/bin`);
  return tree;
}

function archive(tree: string): Buffer {
  const { stdout, stderr, status } = spawnSync("tar", ["-C", tree, "-c", "."], { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}
