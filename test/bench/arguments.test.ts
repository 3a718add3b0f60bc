import { spawnSync } from "node:child_process";
import { mkdtempSync, symlinkSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { cases } from "../../bench/cases/index.ts";
import { quantile } from "../../bench/measure.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { asUser, ORDINARY_USER } from "../helpers/machine.ts";
import { repository } from "../helpers/paths.ts";

const program = `${repository}build/bench.mjs`;

function bench(args: string[], env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, encoding: "utf8" });
  return { status, stdout, stderr };
}

test.each(["--help", "-h"])("%s prints the usage in any position", (flag) => {
  for (const args of [[flag], ["cat", flag]])
    expect(bench(args)).toEqual({ status: 0, stderr: "", stdout: expect.stringMatching(/^usage: npm run bench/) });
});

test("--list prints every case with its title", () => {
  const { status, stdout } = bench(["--list"]);
  expect([status, stdout]).toEqual([
    0,
    Object.entries(cases)
      .map(([name, { title }]) => `${name.padEnd(10)} ${title}\n`)
      .join(""),
  ]);
});

test.each(["nosuch", "--frobnicate", "toString", "__proto__"])(
  "%s is an unknown case: one line, and no directory is created",
  (name) => {
    expect(bench(["agent", name])).toEqual({
      status: 2,
      stdout: "",
      stderr: `bench: no case '${name}'; there are: ${Object.keys(cases).join(", ")}\n`,
    });
  },
);

describeAsRoot("the bench", () => {
  test("names all missing programs together, with their packages, before it creates anything", () => {
    const directory = mkdtempSync(`${inject("machine").directory}/bench-`);
    for (const name of ["bash", "tar"]) symlinkSync(`/bin/${name}`, `${directory}/${name}`);
    expect(bench(["grep"], { PATH: directory })).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "bench: not on this machine: dockerd, docker, busybox, cc, nsenter, taskset, getconf, rg " +
        "(Debian: apt-get install docker.io busybox-static gcc libc6-dev util-linux libc-bin ripgrep)\n",
    });
  });

  test("needs root", () => {
    const [command = "", ...args] = [...asUser(ORDINARY_USER), process.execPath, program, "cat"];
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("bench: it needs root, to start private engines and to enter their containers\n");
  });
});

test("the median of two values is their mean", () => {
  expect([[3, 1], [1, 2, 3, 10], [5, 1, 9], [7]].map((values) => quantile(values, 0.5))).toEqual([2, 2.5, 5, 7]);
  expect(quantile([1, 2], 0.99)).toBe(2);
  expect(quantile([], 0.5)).toBeNaN();
});
