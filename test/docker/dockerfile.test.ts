import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { engine } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { archiveOf, builtFiles, copiedTree, FIND_LIBRARIES, importedImage } from "./built-image.ts";

/*
 * Builds docker/agent.Dockerfile on a base image that is made of the local compiler, without a pull
 * and without a network.
 */

describeWith(["root", "docker", "musl"], "docker/agent.Dockerfile", () => {
  let base: string;
  let context: Buffer;
  beforeAll(async () => {
    base = await importedImage(engine("docker").api, compilerTree());
    const tree = mkdtempSync(`${inject("machine").directory}/context-`);
    cpSync(`${repository}docker/agent.Dockerfile`, `${tree}/agent.Dockerfile`);
    cpSync(`${repository}agent`, tree, { recursive: true, filter: (path) => !/\/(build|prebuilt)(\/|$)/.test(path) });
    context = archiveOf(tree);
  });

  describe.each([
    { builder: "the classic builder", version: "1" as const },
    { builder: "BuildKit", version: "2" as const },
  ])("with $builder", ({ version }) => {
    test.each(["", "program"])(
      "builds the same agent as npm run build, byte for byte, and no other file (target '%s')",
      async (target) => {
        const buildargs = { BASE: base, TOOLS: "true", CC: "musl-gcc" };
        const options = { version, dockerfile: "agent.Dockerfile", buildargs, target };
        const files = await builtFiles(engine("docker").api, context, options);
        const names = spawnSync("tar", ["-t"], { input: files, encoding: "utf8" }).stdout.trim().split("\n");
        const path = target === "" ? "agent" : "porthole-agent";
        // Ignore files that the engine itself adds to every container.
        expect(names.filter((each) => !/^(\.dockerenv|dev|etc|proc|sys)(\/|$)/.test(each))).toEqual([path]);
        const program = spawnSync("tar", ["-xO", path], { input: files, maxBuffer: 1 << 24 }).stdout;
        expect(program.equals(readFileSync(`${repository}agent/build/porthole-agent`))).toBe(true);
      },
    );
  });
});

/**
 * Copies the local musl-gcc with the files that it needs, and the programs that the Makefile calls.
 */
function compilerTree(): string {
  const tree = copiedTree(`
    programs=$(for name in sh make musl-gcc "$(uname -m)-linux-gnu-gcc" as ld rm mkdir mv cat cut sha256sum; do command -v $name; done)
    for name in cc1 collect2 lto1 lto-wrapper; do programs="$programs $(gcc -print-prog-name=$name)"; done
    compiler=$(dirname "$(gcc -print-prog-name=cc1)")
    programs="$programs $compiler/liblto_plugin.so"
    ${FIND_LIBRARIES}
    cp -rL --parents $programs $libraries $compiler/include $compiler/libgcc*.a $compiler/crt*.o /usr/lib/*-linux-musl /usr/include/*-linux-musl "$0"`);
  symlinkSync("usr/bin", `${tree}/bin`);
  return tree;
}
