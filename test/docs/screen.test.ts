import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { THEME_PARTS } from "../../cli/tui/canvas/theme.ts";
import { decodeConfig } from "../../cli/tui/config.ts";
import { repository } from "../helpers/paths.ts";

const committed = readFileSync(`${repository}docs/screen.md`, "utf8");

test("the keys in docs/screen.md are those of the table", () => {
  const program = `
    const { screenDocs } = await import("./scripts/build/screen-docs.mjs");
    process.stdout.write(await screenDocs(${JSON.stringify(committed)}));`;
  const flags = ["--input-type=module", "-e", program];
  const fresh = execFileSync(process.execPath, flags, { cwd: repository, encoding: "utf8" });
  expect(committed === fresh, "docs/screen.md is older than the table of keys: npm run docs").toBe(true);
  expect(committed).toContain("| `j` `Down` ");
});

test("the settings in docs/screen.md are valid, with every key and every part of the theme", () => {
  const example = /```json\n(.*?)```/s.exec(committed)?.[1] ?? "";
  const config = decodeConfig(example);
  expect([config.mouse, config.hidden, config.preview, config.theme.parts.title]).toEqual([false, true, false, "4"]);
  expect(config.keymap.viewer.find(({ action }) => action === "first-column")?.keys).toEqual([]);
  const known = /known are (.*)$/.exec(messageOf(() => decodeConfig('{"no-such": 1}')))?.[1]?.split(", ") ?? [];
  expect(Object.keys(JSON.parse(example)).sort()).toEqual(known.sort());
  const documented = [...committed.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(documented).toEqual(expect.arrayContaining([...known, ...THEME_PARTS]));
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
