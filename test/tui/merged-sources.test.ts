import { describe, expect, it } from "vitest";
import { MergedSources } from "../../cli/tui/browser/merged/merged-source.ts";
import { JsonSample } from "../../cli/tui/viewer/document/json-sample.ts";
import { Sources } from "../../cli/tui/viewer/document/sources.ts";

const named = (container: string, path: string) => ({ container, path });
const object = Buffer.from('{"level":"info","msg":"up"}\n');

describe("the sources of a merged follow", () => {
  it("assign a distinct name to a source that appears later, and keep the names of the others", () => {
    const sources = new MergedSources([named("web", "/var/log/app.log"), named("db", "@logs")]);
    expect(sources.all.map(({ name }) => name)).toEqual(["web", "db"]);
    sources.add(named("cache", "@logs"));
    sources.add(named("web", "/var/log/other.log"));
    expect(sources.all.map(({ name }) => name)).toEqual(["web", "db", "cache", "web:other.log"]);
    const beginnings = sources.all.map(({ beginning }) => beginning.toString());
    expect(new Set(beginnings).size).toBe(4);
    expect(beginnings[1]).toBe("\x1b[32mdb  |\x1b[0m ");
  });

  it("detect for each source whether its first lines are JSON", () => {
    const { all } = new MergedSources([named("web", "@logs"), named("db", "@logs")]);
    const [web, db] = all;
    const sources = new Sources(all);
    expect(sources.json).toEqual([]);
    for (let line = 0; line < 3; line++) {
      expect(web?.row(object).toString()).toBe(`${web?.beginning}${object}`);
      db?.row(Buffer.from("INFO ready"));
    }
    expect(sources.json).toEqual([web?.beginning]);
    expect(sources.json).toBe(sources.json);
  });
});

describe("a sample of lines", () => {
  const isJson = (...lines: string[]) => {
    const sample = new JsonSample();
    for (const line of lines) sample.add(line);
    return sample.isJson;
  };
  const json = object.toString().trim();

  it("is JSON if its first lines, two to five, are objects", () => {
    expect(isJson(json)).toBe(false);
    expect(isJson(json, "", json)).toBe(true);
    expect(isJson(json, json, "INFO a", json, json)).toBe(false);
    expect(isJson(...Array(5).fill(json), "INFO a")).toBe(true);
  });
});

describe("the shown sources", () => {
  const sourcesOf = (...names: string[]) =>
    names.map((name) => ({ name, beginning: Buffer.from(`${name} | `), isJson: false }));

  it("do not include a source that appears while another one is shown alone", () => {
    const all = sourcesOf("web", "db");
    const sources = new Sources(all);
    sources.solo(all[0] as (typeof all)[0]);
    all.push(...sourcesOf("cache"));
    expect(sources.description).toBe("only web");
    expect(sources.muted.map(String)).toEqual(["db | ", "cache | "]);
    sources.showAll();
    expect(sources.description).toBe("");
  });

  it("include a source that appears while another one is muted", () => {
    const all = sourcesOf("web", "db");
    const sources = new Sources(all);
    sources.mute(all[0] as (typeof all)[0]);
    all.push(...sourcesOf("cache"));
    expect(sources.description).toBe("muted: web");
  });
});
