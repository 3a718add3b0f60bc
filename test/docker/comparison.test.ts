import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { ORDINARY_USER, rootlessUid } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { type Actor, start } from "./comparison/actor.ts";
import { type Place, type Row, rows } from "./comparison/rows.ts";
import { DEVICE, plainSubject, type Subject, type Subjects, subjects } from "./comparison/subjects.ts";
import { type Cell, comparedCells, documented } from "./comparison/table.ts";
import { tries } from "./comparison/tries.ts";
import { verdict } from "./comparison/verdict.ts";
import { type Way, ways } from "./comparison/ways.ts";

const cells = comparedCells();
const page = documented();
const isUnrun = (cell: Cell) => page.unrun.some(({ row, column }) => row === cell.row && column === cell.column);

/** Returns the place that checks a cell; undefined without a check for its row and its column. */
function placeOf({ row, column }: Cell): Place | undefined {
  if (rows[row] === undefined || ways[column] === undefined) return undefined;
  return rows[row].places?.[column] ?? (column.startsWith("podman ") ? "podman" : "docker");
}

describe("the comparison", () => {
  test("checks every cell, or docs/comparison.md lists it as not run", () => {
    expect(cells.length).toBeGreaterThan(90);
    const unchecked = cells.filter((cell) => placeOf(cell) === undefined && !isUnrun(cell));
    expect(unchecked).toEqual([]);
  });

  test("uses only verdicts that docs/comparison.md explains", () => {
    expect(cells.filter(({ verdict: word }) => !page.verdicts.includes(word))).toEqual([]);
  });

  test("has the rows and columns of docs/comparison.md in its order", () => {
    expect(page.rows).toEqual([...new Set(cells.map(({ row }) => row))]);
    expect(page.columns).toEqual([...new Set(cells.map(({ column }) => column))]);
  });

  test("has every cell that docs/comparison.md lists as not run, and every row and column with a check", () => {
    const names = cells.map(({ row, column }) => `${row}, ${column}`);
    expect(names).toEqual(expect.arrayContaining(page.unrun.map(({ row, column }) => `${row}, ${column}`)));
    expect(new Set(cells.map(({ row }) => row))).toEqual(new Set(Object.keys(rows)));
    expect(new Set(cells.map(({ column }) => column))).toEqual(new Set(Object.keys(ways)));
  });
});

/** Checks the cells of `place` row by row against the page. */
function tried(place: Place, startSubjects: () => Promise<Partial<Subjects>>): void {
  const here = cells.filter((cell) => placeOf(cell) === place && !isUnrun(cell));
  let all: Partial<Subjects>;
  let actors: Record<"root" | "member" | "owner", Actor>;
  beforeAll(async () => {
    all = await startSubjects();
    const on = place === "host" ? {} : { engine: engine(place) };
    const member = user({ uid: ORDINARY_USER, ...on });
    writeFileSync(`${member.directory}/lines.log`, LINES, { mode: 0o644 });
    actors = {
      root: { user: user(on), inEngineGroup: false },
      member: { user: member, inEngineGroup: true },
      owner: { user: user({ uid: rootlessUid() ?? 0, ...on }), inEngineGroup: false },
    };
  });

  afterAll(() => Object.values(actors).forEach(endPodmanOf));

  if (place === "docker") refusedDevice(() => all.bare as Subject);
  for (const [name, row] of Object.entries(rows)) {
    const inRow = here.filter((cell) => cell.row === name);
    if (inRow.length === 0) continue;
    describe(name, () => {
      beforeAll(async () => {
        // An agent that the previous row started would affect the result of this row.
        for (const actor of Object.values(actors)) await actor.user.run(["detach", "--all"]);
        await row.enter?.(all as Subjects);
      });
      afterAll(() => row.leave?.(all as Subjects));
      test.each(inRow.map((cell) => [cell.column, cell.verdict]))("%s: %s", async (column, word) => {
        const way = ways[column] as Way;
        expect(await verdict(column, way, row, actors[whoTries(row, way, column)], all)).toBe(word);
      });
    });
  }
}

/**
 * Ends the process that Podman keeps for an ordinary user after a call: it holds the user
 * namespace.
 */
function endPodmanOf({ user }: Actor): void {
  const file = `${user.env.XDG_RUNTIME_DIR}/libpod/tmp/pause.pid`;
  if (existsSync(file)) process.kill(Number(readFileSync(file, "utf8")), "SIGKILL");
}

/**
 * Checks the refusal without --privileged. The variant with --privileged is not run: the test
 * machine lacks some capabilities.
 */
function refusedDevice(subject: () => Subject): void {
  test("cdebug exec is refused a device without --privileged", async () => {
    const by = { user: user({ uid: ORDINARY_USER, engine: engine("docker") }), inEngineGroup: true };
    const { worked, said } = await tries(() => (ways["cdebug exec"] as Way).read(by, subject(), DEVICE), {
      wanted: /Invalid argument/,
    });
    expect([worked, said]).toEqual([false, expect.stringContaining("Operation not permitted")]);
  });
}

const LINES = "2026-01-02T03:04:05.000Z INFO one\n2026-01-02T03:04:06.000Z ERROR two\n";

function whoTries({ as, asRoot = [] }: Row, way: Way, column: string): "root" | "member" | "owner" {
  return as ?? (way.asRoot || asRoot.includes(column) ? "root" : "member");
}

describeWith(["docker", "dockerCommand", "root"], "the comparison on Docker", () => {
  tried("docker", () => subjects(engine("docker")));
});

describeWith(["podman", "root"], "the comparison on Podman", () => {
  tried("podman", () => subjects(engine("podman")));
});

describeWith(["rootlessDocker", "dockerCommand"], "the comparison on rootless Docker", () => {
  tried("rootlessDocker", async () => ({ tooled: await plainSubject(engine("rootlessDocker")) }));
});

describeWith("rootlessPodman", "the comparison on rootless Podman", () => {
  tried("rootlessPodman", async () => ({ tooled: await plainSubject(engine("rootlessPodman")) }));
});

describeWith(["lnav", "root"], "the comparison on local files", () => {
  tried("host", async () => ({}));

  test("lnav since 0.12 runs docker exec and tail for a file in a container", async () => {
    const by = { user: user(), inEngineGroup: false };
    const folder = by.user.directory;
    writeFileSync(`${folder}/docker`, `#!/bin/sh\necho "$@" >>${folder}/asked\n`, { mode: 0o755 });
    const env = { PATH: `${folder}:${by.user.env.PATH}` };
    const version = (await tries(() => start(by, ["lnav", "-V"]), { wanted: /lnav [\d.]+\n/ })).said;
    const { said } = await tries(() => start({ ...by, env }, ["lnav", "-n", "docker://web/log/app.log"]), {
      wanted: /(?!)/,
    });
    if (/ 0\.([0-9]|1[01])\./.test(version)) expect(said).toMatch(/failed to ssh to host/);
    else expect(readFileSync(`${folder}/asked`, "utf8")).toBe("exec web tail -n +0 -F /log/app.log\n");
  });
});

describeWith(["docker", "lnav", "root"], "lnav through porthole", () => {
  test("counts lines of a container's log", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const steps = LINES.trimEnd()
      .split("\n")
      .flatMap((line) => ["write", "/app.log", line]);
    const { name } = await container(engine("docker"), { steps });
    const query = ";SELECT 'lines: ' || count(*) AS counted FROM all_logs";
    const { text, stderr } = await someone.run(["with", `${name}:/app.log`, "--", "lnav", "-n", "-c", query]);
    expect([stderr, text]).toEqual(["", expect.stringContaining("lines: 2")]);
  });
});
