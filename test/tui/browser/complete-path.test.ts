import { expect, it } from "vitest";
import { completePath, typedPath } from "../../../cli/tui/browser/files/complete-path.ts";
import { connectionOf } from "./connection-of.ts";

it.each([
  ["/data/", "/data/"],
  ["/data//dev/", "/dev/"],
  ["/data//", "/"],
  ["/a//b//c", "/c"],
  ["///", "/"],
  ["logs/app", "logs/app"],
  ["", ""],
])("takes the typed path '%s' for '%s'", (text, path) => {
  expect(typedPath(text)).toBe(path);
});

it("completes after // from the root, and keeps the typed text", async () => {
  const listed: string[] = [];
  const connection = connectionOf({
    async *list(path: string) {
      listed.push(path);
      yield { name: "dev", type: 4 };
      yield { name: "data", type: 4 };
    },
  });
  const complete = (text: string) => completePath(connection, "/srv", text, new AbortController().signal);
  expect(await complete("/data//de")).toEqual(["/data//dev/"]);
  expect(await complete("/d")).toEqual(["/data/", "/dev/"]);
  expect(await complete("sub/de")).toEqual(["sub/dev/"]);
  expect(listed).toEqual(["/", "/", "/srv/sub/"]);
});
