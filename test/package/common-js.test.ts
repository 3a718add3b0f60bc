import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transform } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { toCommonJs } from "../../scripts/build/common-js.mjs";
import { repository } from "../helpers/paths.ts";

const require = createRequire(import.meta.url);

/** esbuild's exports of one name by two getters, which cost 20 ns for each use. */
const GETTERS = /module\.exports=\w+\(\w+\)/;

test("the chunks export values, except the clock, which esbuild assigns later", () => {
  const chunks = readdirSync(`${repository}dist`).filter((name) => /^chunk-.*\.js$/.test(name));
  expect(chunks.length).toBeGreaterThan(50);
  const withGetters = chunks.filter((name) => GETTERS.test(readFileSync(`${repository}dist/${name}`, "utf8")));
  expect(withGetters).toHaveLength(1);
  expect(readFileSync(`${repository}dist/${withGetters[0]}`, "utf8")).toContain("process.uptime()");
});

test("an exported variable that changes later is seen to change", async () => {
  const bodies = {
    bare: "var a = 1, value;\nfunction change() {\n  value = 2;\n}",
    bareFirst: "var value, a = 1;\nfunction change() {\n  value = 2;\n}",
    again: "var value = 1;\nfunction change() {\n  value = 2;\n}",
    added: "var value = 1;\nfunction change() {\n  value += 1;\n}",
    nullish: "var value;\nfunction change() {\n  value ??= 2;\n}",
    counted: "var value = 1;\nfunction change() {\n  value++;\n}",
    replaced: "function value() {\n}\nfunction change() {\n  value = 2;\n}",
  };
  const [folder, chunks] = await converted(bodies);
  for (const name of chunks) {
    const module = require(`${folder}/${name}`);
    module.change();
    expect([name, module.value]).toEqual([name, 2]);
    expect(readFileSync(`${folder}/${name}`, "utf8")).toMatch(GETTERS);
  }
});

test("an exported value, function or class is a plain property", async () => {
  const bodies = {
    value: "var value = 1;\nfunction change(other = { value: 3 }) {\n  return other.value = 2, value === 1;\n}",
    afterAnother: "var a = 1, value = 1;\nfunction change() {\n}",
    class: "class value {\n}\nfunction change() {\n}",
  };
  const [folder, chunks] = await converted(bodies);
  for (const name of chunks) {
    const found = Object.getOwnPropertyDescriptor(require(`${folder}/${name}`), "value");
    expect([name, found?.value]).toEqual([name, expect.anything()]);
  }
});

test("the names of a chunk that only chunks import are numbers, those of an entry are names", async () => {
  const folder = temporary();
  writeFileSync(`${folder}/chunk-A.js`, "var one = 1, two = 2;\nexport {\n  two as second,\n  one\n};\n");
  writeFileSync(
    `${folder}/entry.js`,
    'import {\n  one,\n  second as two\n} from "./chunk-A.js";\nvar sum = one + 10 * two;\nexport {\n  sum\n};\n',
  );
  const imports = [{ path: `${folder}/chunk-A.js`, kind: "import-statement" as const }];
  const outputs = {
    [`${folder}/chunk-A.js`]: { imports: [], exports: ["one", "second"] },
    [`${folder}/entry.js`]: { imports, exports: ["sum"], entryPoint: "entry.ts" },
  };
  await toCommonJs(outputs, transform, []);
  expect(require(`${folder}/chunk-A.js`)).toEqual({ 0: 1, 1: 2 });
  expect(require(`${folder}/entry.js`)).toEqual({ sum: 21 });
});

test("chunks that import each other are refused", async () => {
  const of = (other: string) => ({ imports: [{ path: other, kind: "import-statement" as const }], exports: [] });
  const outputs = { "one.js": of("two.js"), "two.js": of("one.js") };
  await expect(toCommonJs(outputs, transform, [])).rejects.toThrow("a circle of chunks: one.js -> two.js -> one.js");
});

/** Converts a chunk of each body, which exports `value` and `change`. */
async function converted(bodies: Record<string, string>): Promise<[folder: string, chunks: string[]]> {
  const folder = temporary();
  for (const [name, body] of Object.entries(bodies))
    writeFileSync(`${folder}/${name}.js`, `${body}\nexport {\n  change,\n  value\n};\n`);
  const chunks = Object.keys(bodies).map((name) => `${name}.js`);
  const outputs = Object.fromEntries(chunks.map((name) => [`${folder}/${name}`, { imports: [], exports: [] }]));
  await toCommonJs(outputs, transform, []);
  return [folder, chunks];
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "porthole-chunks-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/package.json`, "{}");
  return folder;
}
