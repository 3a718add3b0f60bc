import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { amount } from "../helpers/extent.ts";
import { compileTarget, corpus, fuzz, makeFuzzRoot, type Target, targets } from "./targets.ts";

/** Seconds that libFuzzer runs each target: ten minutes in `npm run fuzz`. */
const seconds = Number(process.env.PORTHOLE_FUZZ_SECONDS ?? amount(60, 4)) / 2;
const names = Object.keys(targets) as Target[];

let root: ReturnType<typeof makeFuzzRoot>;
beforeAll(() => {
  root = makeFuzzRoot();
});
afterAll(() => root.remove());

test.each(names)("the agent's parser of %s handles every input of the corpus without a fault", (target) => {
  const program = compileTarget(target, "cc", inject("machine").directory);
  const inputs = corpus(target);
  expect(inputs.length).toBeGreaterThan(10);
  const { status, stdout, stderr } = spawnSync(program, inputs, {
    encoding: "utf8",
    env: { ...process.env, FUZZ_ROOT: root.path, ASAN_OPTIONS: "detect_leaks=0" },
  });
  expect([status, stdout, stderr]).toEqual([0, `${inputs.length} inputs\n`, expect.any(String)]);
});

describeWith("libfuzzer", "libFuzzer", () => {
  test.each(names)(
    `finds no fault in ${seconds} s in the agent's parser of %s`,
    async (target) => {
      const found = mkdtempSync(`${inject("machine").directory}/found-`);
      const program = compileTarget(target, "clang", inject("machine").directory);
      const { status, said } = await fuzz(program, target, { seconds, found, root: root.path });
      const counts = /Done (\d+) runs in (\d+) second/.exec(said);
      console.log(`${target}: ${counts?.[0] ?? said}`);
      // `said` has the failing input in base64. Keep that input in test/fuzz/corpus after the fault
      // is understood.
      expect([target, status, status === 0 ? "" : said]).toEqual([target, 0, ""]);
      expect(Number(counts?.[1])).toBeGreaterThan(0);
    },
    (seconds + 570) * 1000,
  );
});
