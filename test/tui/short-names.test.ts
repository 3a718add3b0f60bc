import { describe, expect, it } from "vitest";
import { shortNames } from "../../cli/tui/browser/merged/short-names.ts";

const names = (...targets: string[]) =>
  shortNames(
    targets.map((target) => {
      const [, container = "", path = ""] = /^(?:([^/]*):)?(.*)$/.exec(target) ?? [];
      return { container, path };
    }),
  );

describe("shortNames", () => {
  it("uses the names of containers if each has one file", () => {
    expect(names("web:/var/log/app.log", "db:/var/log/app.log")).toEqual(["web", "db"]);
    expect(names("pid:7:/a", "web:@logs")).toEqual(["pid:7", "web"]);
  });

  it("uses the ends of paths in one container or on the host", () => {
    expect(names("web:/log/app.log", "web:/log/error.log")).toEqual(["app.log", "error.log"]);
    expect(names("/srv/a/app.log", "/srv/b/app.log", "/srv/other.log")).toEqual([
      "a/app.log",
      "b/app.log",
      "other.log",
    ]);
    expect(names("/x/a.log", "/a.log")).toEqual(["x/a.log", "/a.log"]);
  });

  it("uses both if a container has several files among those of others", () => {
    expect(names("web:/log/app.log", "web:/log/error.log", "db:/pg.log", "/srv/x.log")).toEqual([
      "web:app.log",
      "web:error.log",
      "db",
      "x.log",
    ]);
  });

  it("uses full names if short names would be the same", () => {
    expect(names("web:/log/app.log", "/srv/web")).toEqual(["web:/log/app.log", "/srv/web"]);
  });

  it("puts the engine before the name of a container that several engines have", () => {
    const at = (container: string, engine: string) => ({ container, engine, path: "@logs" });
    const [docker, podman] = ["unix:///run/docker.sock", "unix:///run/podman/podman.sock"];
    expect(shortNames([at("web", docker), at("web", podman), at("db", docker)])).toEqual([
      "docker!web",
      "podman!web",
      "db",
    ]);
    expect(shortNames([at("web", docker), { container: "web", path: "/log/app.log" }])).toEqual(["@logs", "app.log"]);
    const other = "unix:///srv/docker.sock";
    expect(shortNames([at("web", docker), at("web", other)])).toEqual([`${docker}!web`, `${other}!web`]);
  });
});
