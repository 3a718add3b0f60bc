import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { records } from "../../cli/elsewhere/records/follow-records.ts";
import { LinePrinter } from "../../cli/elsewhere/records/line-printer.ts";
import { milliseconds, parseRecord, remember } from "../../cli/elsewhere/records/line-record.ts";
import { MarkAsker } from "../../cli/elsewhere/records/mark-asker.ts";
import { MergedOutput } from "../../cli/elsewhere/records/merged-output.ts";
import { PlaceMerge } from "../../cli/elsewhere/records/place-merge.ts";
import type { RecordSource } from "../../cli/elsewhere/records/record-source.ts";
import { resumedArguments } from "../../cli/elsewhere/records/resumed-arguments.ts";
import { Resumption } from "../../cli/elsewhere/records/resumption.ts";
import { reasonIn } from "../../cli/kubectl/calls/kubectl.ts";
import { KubectlErrors } from "../../cli/kubectl/calls/kubectl-errors.ts";
import { lostNode } from "../../cli/kubectl/calls/lost-node.ts";
import { parseRequest } from "../../cli/kubectl/command-line/arguments.ts";
import { optionTable } from "../../cli/kubectl/command-line/option-table.ts";
import { hasEnded, leftHelpers, ownerLabel } from "../../cli/kubectl/helpers/helper-pod.ts";
import { formatOf } from "../../cli/kubectl/merged-lines.ts";
import { chunkRecord } from "../../cli/tail/line-record.ts";

const line = (target: string, text: string, time: string | null = null) => {
  const record = parseRecord(Buffer.from(`${JSON.stringify({ target, line: text, time })}\n`));
  if (record === undefined) throw new Error("no record");
  return record;
};

describe("the merge of nodes", () => {
  const merge = () => new PlaceMerge<string, string>({ windowMs: 250, maxBytes: 1000 });
  const all = (merged: PlaceMerge<string, string>, now: number) => {
    const taken: string[] = [];
    for (let one = merged.take(now); one !== undefined; one = merged.take(now)) taken.push(one);
    return taken.join(" ");
  };
  const push = (merged: PlaceMerge<string, string>, place: string, time: number | undefined, now = 0, bytes = 1) =>
    merged.push(place, { line: `${place}${time ?? "-"}`, time, bytes }, now);

  test("prints a line as soon as every node has sent a later line", () => {
    const merged = merge();
    for (const place of ["a", "b"]) merged.open(place);
    push(merged, "a", 1);
    push(merged, "a", 3);
    expect(all(merged, 0)).toBe("");
    push(merged, "b", 2);
    expect(all(merged, 0)).toBe("a1 b2");
    push(merged, "b", 4);
    expect(all(merged, 0)).toBe("a3");
  });

  test("waits for a node that sends nothing, until the window has passed or the buffer is full", () => {
    const merged = merge();
    for (const place of ["a", "b"]) merged.open(place);
    push(merged, "a", 1);
    expect(merged.due).toBe(250);
    expect(all(merged, 249)).toBe("");
    expect(all(merged, 250)).toBe("a1");
    push(merged, "a", 2, 300, 2000);
    expect(all(merged, 300)).toBe("a2");
    expect(merged.bytes).toBe(0);
  });

  test("does not wait for a node that has sent a later mark, and asks the others for one", () => {
    const merged = merge();
    for (const place of ["a", "b", "c"]) merged.open(place);
    push(merged, "a", 5);
    expect([...merged.awaited()]).toEqual(["b", "c"]);
    merged.mark("b", 4);
    merged.mark("c", 5);
    expect(all(merged, 0)).toBe("");
    expect([...merged.awaited()]).toEqual(["b"]);
    merged.mark("b", 6);
    push(merged, "c", 7);
    expect(all(merged, 0)).toBe("a5");
    merged.mark("a", 9);
    merged.mark("b", 9);
    expect(all(merged, 0)).toBe("c7");
    expect([...merged.awaited()]).toEqual([]);
    expect(merged.due).toBeUndefined();
  });

  test("asks a node for one mark at a time, and again if the answer was lost", () => {
    let asked = 0;
    const asker = new MarkAsker(() => void asked++, 250);
    expect([asker.ask(0, 2), asker.ask(10, 2), asked]).toEqual([250, 240, 1]);
    asker.answered();
    expect([asker.ask(1, 2), asker.ask(2, 2), asked]).toEqual([1, 250, 2]);
    expect([asker.ask(252, 2), asked]).toEqual([250, 3]);
  });

  test("does not wait for a lost node, and keeps lines without a time after the previous line", () => {
    const merged = merge();
    for (const place of ["a", "b"]) merged.open(place);
    push(merged, "a", 5);
    push(merged, "a", undefined);
    push(merged, "b", 4);
    merged.close("b");
    expect(all(merged, 0)).toBe("b4 a5 a-");
  });

  test("loses, repeats and reorders no line of 50 nodes", () => {
    const merged = merge();
    const places = Array.from({ length: 50 }, (_, index) => `n${index}`);
    for (const place of places) merged.open(place);
    const taken: number[] = [];
    for (let time = 0; time < 20_000; time++) {
      merged.push(places[(time * 7) % 50] as string, { line: String(time), time, bytes: 10 }, 0);
      if (time % 50 === 49)
        for (let one = merged.take(0); one !== undefined; one = merged.take(0)) taken.push(Number(one));
    }
    for (
      let one = merged.take(Number.POSITIVE_INFINITY);
      one !== undefined;
      one = merged.take(Number.POSITIVE_INFINITY)
    )
      taken.push(Number(one));
    expect(taken).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
  });
});

describe("a node that is connected again", () => {
  test("continues at the time of its last lines without repeating them", () => {
    const resumption = new Resumption();
    const times = ["2026-01-02T03:04:05.000000001Z", "2026-01-02T03:04:05.000000002Z"];
    const [first, second] = times.map((time) => line("a", "x", time));
    if (first === undefined || second === undefined) throw new Error("no lines");
    expect([first, second, second].map((one) => resumption.isNew(one))).toEqual([true, true, true]);
    expect(resumption.beginning()?.options).toEqual(["--since", "2026-01-02T03:04:05.000Z"]);
    expect([first, second, second, second].map((one) => resumption.isNew(one))).toEqual([false, false, false, true]);
    expect(resumption.isNew(line("b", "x", times[0]))).toBe(true);
    expect(resumption.isComplete).toBe(true);
  });

  test("continues at the end if lines have no timestamps, and reports that it may miss some", () => {
    const resumption = new Resumption();
    resumption.isNew(line("a", "x"));
    expect(resumption.beginning()?.options).toEqual(["-n", "0"]);
    expect(resumption.isComplete).toBe(false);
  });

  test("continues at the positions that it has reported, with the bytes before them", () => {
    const resumption = new Resumption();
    const at = (target: string, file: string, offset: number) =>
      resumption.moved({ target, position: { file, at: offset } });
    resumption.isNew(line("a", "x"));
    at("a", "1 2", 100);
    at("b", "3 4", 7);
    resumption.isNew(line("a", "yz"));
    resumption.isNew(line("b", "timed", "2026-01-02T03:04:05Z"));
    resumption.moved({ target: "", position: undefined });
    const positions = () => JSON.parse(resumption.beginning()?.variables.PORTHOLE_PART_POSITIONS ?? "{}");
    const end = (text: string) => Buffer.from(text).toString("base64");
    expect(positions()).toEqual({ a: ["1 2", 103, end("x\nyz\n")], b: ["3 4", 13, end("timed\n")] });
    expect(resumption.beginning()?.options).toEqual(["-n", "+1"]);
    expect(resumption.isComplete).toBe(true);
    at("a", "1 2", 103);
    expect(positions().a).toEqual(["1 2", 103, end("x\nyz\n")]);
    at("a", "1 2", 5000);
    expect(positions().a).toEqual(["1 2", 5000, ""]);
    at("a", "5 6", 0);
    resumption.isNew(line("a", "new"));
    expect(positions().a).toEqual(["5 6", 4, end("new\n")]);
    resumption.moved({ target: "a", position: undefined });
    expect(resumption.isComplete).toBe(false);
    expect(positions().a).toBeUndefined();
    expect(resumption.beginning()?.options).toEqual(["-n", "0"]);
  });

  test("does not pass more positions than an environment variable can hold", () => {
    const resumption = new Resumption();
    for (let index = 0; index < 2000; index++)
      resumption.moved({ target: `${index}`.padStart(100, "x"), position: { file: "1 2", at: 3 } });
    expect(resumption.beginning()?.variables.PORTHOLE_PART_POSITIONS?.length).toBeLessThan(131_072);
  });

  test("gets the same options except those that choose the beginning", () => {
    expect(
      resumedArguments(["tail", "-F", "-n", "5", "--since=1h", "--json", "--", "pod:a/b:/c"], ["-n", "0"]),
    ).toEqual(["tail", "-F", "--json", "-n", "0", "--", "pod:a/b:/c"]);
    expect(resumedArguments(["tail", "-20", "-f", "--lines", "3", "-c", "9", "--", "x"], ["--since", "t"])).toEqual([
      "tail",
      "-f",
      "--since",
      "t",
      "--",
      "x",
    ]);
  });
});

describe("a chunk of a file", () => {
  async function received(pieces: readonly Buffer[]) {
    const found: { target: string; bytes: Buffer; isPartial: boolean }[] = [];
    for await (const record of records(Readable.from(pieces)))
      if ("bytes" in record) found.push({ target: record.target, bytes: record.bytes, isPartial: record.isPartial });
    return found;
  }

  test("has the bytes themselves, which arrive in any pieces", async () => {
    const bytes = Buffer.from(`{"target":"b","line":"not a record"}\n\0\xff`, "latin1");
    const sent = Buffer.concat([
      chunkRecord("a", bytes),
      chunkRecord("empty", Buffer.alloc(0)),
      Buffer.from('{"target":"b","line":"x"}\n'),
      chunkRecord("c", Buffer.from("{")),
    ]);
    for (const size of [1, 2, 7, sent.length]) {
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, at) =>
        sent.subarray(at * size, (at + 1) * size),
      );
      const found = await received(pieces);
      const of = (target: string) => Buffer.concat(found.flatMap((one) => (one.target === target ? [one.bytes] : [])));
      expect([of("a"), of("b"), of("c")]).toEqual([bytes, Buffer.from("x"), Buffer.from("{")]);
      expect(found.filter(({ target }) => target === "empty")).toEqual([
        { target: "empty", bytes: Buffer.alloc(0), isPartial: true },
      ]);
    }
  });

  test("without bytes prints only a header", () => {
    const empty = { target: "a", bytes: Buffer.alloc(0), isPartial: true, time: undefined, json: Buffer.alloc(0) };
    for (const format of ["headers", "prefix", "plain", "json"] as const) {
      const printer = new LinePrinter({ format, delimiter: "\n", colours: false, isTerminal: false });
      expect(printer.print(empty).toString()).toBe(format === "headers" ? "==> a <==\n" : "");
      expect(printer.print(line("b", "1")).toString()).toContain(format === "headers" ? "\n==> b <==\n1\n" : "1");
    }
  });
});

describe("the lines of several nodes", () => {
  const printed = (format: "headers" | "prefix" | "plain" | "json") => {
    const printer = new LinePrinter({ format, delimiter: "\n", colours: false, isTerminal: false });
    return [line("a", "1"), line("a", "2"), line("b", "3")].map((one) => printer.print(one).toString()).join("");
  };

  test("keep the bytes of a name that is not UTF-8", () => {
    for (const format of ["headers", "prefix"] as const) {
      const printer = new LinePrinter({ format, delimiter: "\n", colours: false, isTerminal: false });
      expect(Buffer.concat([printer.print(line("\udcff", "1"))]).toString("latin1")).toContain("\xff");
    }
  });

  test("have tail's headers, prefixes, or neither, and are the records themselves with --json", () => {
    expect(printed("headers")).toBe("==> a <==\n1\n2\n\n==> b <==\n3\n");
    expect(printed("prefix")).toBe("a | 1\na | 2\nb | 3\n");
    expect(printed("plain")).toBe("1\n2\n3\n");
    expect(printed("json")).toBe(
      ["a1", "a2", "b3"].map((one) => `{"target":"${one[0]}","line":"${one[1]}","time":null}\n`).join(""),
    );
  });

  test("have the headers of tail for several pods or a pattern, but none with --merge", () => {
    const format = (line: string) => formatOf(parseRequest(line.split(" "), optionTable), false, false).format;
    expect(
      ["web-0:/a", "-v web-0:/a", "web-*:/a", "web-0:/*.log", "-l a=b :/a", "a:/x b:/x"].map((at) =>
        format(`tail -F ${at}`),
      ),
    ).toEqual(["plain", "headers", "headers", "headers", "headers", "headers"]);
    expect(["--merge", "-q", "--prefix", "--json"].map((one) => format(`tail ${one} web-*:/a`))).toEqual([
      "plain",
      "plain",
      "prefix",
      "json",
    ]);
  });

  test("are escaped for a terminal and exact bytes otherwise", () => {
    const record = line("a", "\u001b]0;x\u0007\udcff");
    const print = (isTerminal: boolean) =>
      new LinePrinter({ format: "plain", delimiter: "\n", colours: false, isTerminal }).print(record);
    expect(print(false)).toEqual(Buffer.from("\x1b]0;x\x07\xff\n", "latin1"));
    expect(print(true).includes(0x1b)).toBe(false);
  });

  test("end with what a terminal's filter holds back", () => {
    const printer = new LinePrinter({ format: "plain", delimiter: "\n", colours: true, isTerminal: true });
    const record = parseRecord(Buffer.from('{"target":"a","line":"\\u001b[31mred\\u001b[3","partial":true}\n'));
    expect(record && printer.print(record).toString()).toBe("\x1b[31mred");
    expect(printer.end().toString()).toMatch(/^[^\x1b]+\[3\x1b\[0m$/);
  });

  test("keep the order of nanoseconds", () => {
    const [early, late] = ["2026-01-02T03:04:05.123000000Z", "2026-01-02T03:04:05.123456789Z"].map(milliseconds);
    expect(late).toBeGreaterThan(early ?? Number.NaN);
    expect(milliseconds("2026-01-02T03:04:05.123Z")).toBe(early);
  });
});

describe("a place that sends too much", () => {
  test("is paused while standard output accepts nothing", async () => {
    let accept = () => {};
    let written = 0;
    const write = (bytes: Buffer) => {
      written += bytes.length;
      return new Promise<void>((resolve) => {
        accept = resolve;
      });
    };
    const printer = new LinePrinter({ format: "plain", delimiter: "\n", colours: false, isTerminal: false });
    const output = new MergedOutput(printer, write, 1, true);
    const place = { name: "a" } as RecordSource;
    output.open(place);
    let taken = 0;
    const filled = (async () => {
      for (; taken < 100; taken++) {
        await output.take(place, line("a", "x".repeat(100_000), "2026-01-02T03:04:05Z"));
        // Each turn of the event loop prints what has arrived.
        await new Promise(setImmediate);
      }
    })();
    for (let turn = 0; turn < 500; turn++) await new Promise(setImmediate);
    expect(taken).toBeLessThan(20);
    const drain = setInterval(() => accept(), 0);
    await filled;
    await output.end();
    clearInterval(drain);
    expect(written).toBe(100 * 100_001);
  });

  test("cannot fill the memory with a record that does not end", async () => {
    const record = '{"target":"a","line":"1"}\n';
    const long = Array.from({ length: 100 }, () => Buffer.alloc(100_000, "x"));
    const pieces = [Buffer.from('{"target":"long","line":"'), ...long, Buffer.from(`"}\n${record}`)];
    const found: string[] = [];
    for await (const one of records(Readable.from(pieces))) if ("target" in one) found.push(one.target);
    expect(found).toEqual(["a"]);
    expect(parseRecord(Buffer.from(JSON.stringify({ target: "a".repeat(9000), line: "1" })))).toBeUndefined();
  });

  test("cannot fill the memory with names", () => {
    const map = new Map<string, number>();
    for (let at = 0; at < 10_005; at++) remember(map, `${at}`, at);
    expect([map.size, map.has("4"), map.has("5")]).toEqual([10_000, false, true]);
  });
});

describe("the standard error of kubectl exec", () => {
  const of = async (...pieces: string[]) => {
    const errors = new KubectlErrors();
    for (const piece of pieces) errors.write(piece);
    errors.end();
    let shown = "";
    for await (const bytes of errors) shown += bytes;
    return { shown, reason: errors.reason };
  };
  const end = "\0porthole-end exit 3\n";

  test("is kubectl's own if the container ends before the command's end is known", async () => {
    const line = "command terminated with exit code 137\n";
    expect(await of("porthole: no\n", line)).toEqual({ shown: "porthole: no\n", reason: line.trimEnd() });
  });

  test("gives the reason without the address of the request, which contains the whole command", () => {
    const address = 'Post "http://127.0.0.1:6443/api/v1/namespaces/a/pods/b/exec?command=%2Fporthole&stdin=true"';
    expect(reasonIn(`error: error sending request: ${address}: unexpected EOF`)).toBe(
      "error sending request: unexpected EOF",
    );
    expect(reasonIn('Error from server (Forbidden): error when creating "STDIN": pods "x" is forbidden')).toBe(
      'pods "x" is forbidden',
    );
  });

  test.each([
    [
      'unable to upgrade connection: container not found ("porthole")',
      "lost the helper pod porthole/porthole-x on the",
    ],
    ["container is in CONTAINER_EXITED state", "lost the helper pod porthole/porthole-x on the node one"],
    ['pods "porthole-x" not found', "lost the helper pod porthole/porthole-x on the node one"],
    ["error dialing backend: no route to one", "lost the node one: error dialing backend"],
    ['pods "porthole-x" is forbidden: User "me" cannot', "cannot run porthole in the helper pod of the node one"],
  ])("names what is lost if kubectl's reason is %j", (reason, message) => {
    expect(lostNode("one", "porthole/porthole-x", reason).message).toContain(message);
  });

  test.each([
    [
      "a line of kubectl that does not end",
      [
        "error: ",
        ..."x"
          .repeat(20)
          .split("")
          .map((one) => one.repeat(10_000)),
      ],
    ],
    ["lines of kubectl without number", Array.from({ length: 200 }, () => `error: ${"x".repeat(1000)}\n`)],
    ["a marker that does not end", ["\0porthole-end ", "exit ".repeat(100)]],
    [
      "text after a zero byte",
      [
        "\0",
        ..."x"
          .repeat(20)
          .split("")
          .map((one) => one.repeat(10_000)),
      ],
    ],
  ])("holds back a limited part of %s", async (_, pieces) => {
    const errors = new KubectlErrors({ highWaterMark: 1 << 24 });
    for (const piece of pieces) errors.write(piece);
    const all = pieces.join("").length;
    expect(errors.readableLength).toBeGreaterThan(all - 66_000 - 20_000);
    expect(errors.readableLength).toBeGreaterThan(100);
  });

  test("is the command's, without kubectl's message after the end of the command", async () => {
    const after = "command terminated with exit code 3\n";
    expect(await of("porthole: no\n", end, after)).toEqual({ shown: `porthole: no\n${end}`, reason: "" });
    expect(await of("porthole: n", `o${end.slice(0, 5)}`, `${end.slice(5)}${after}`)).toEqual({
      ...{ shown: `porthole: no${end}`, reason: "" },
    });
    expect(await of(end, "E0102 03:04:05 x.go:1] after\n")).toEqual({ shown: end, reason: "" });
  });

  test("without the end is kubectl's reason for a lost connection, and the earlier messages of the command", async () => {
    expect(await of("tail: x\n")).toEqual({ shown: "tail: x\n", reason: "" });
    expect(await of("tail: x\nE0102 03:04:05 x.go:1] y\nerror: unexpected EOF")).toEqual({
      ...{ shown: "tail: x\n", reason: "error: unexpected EOF" },
    });
  });

  test("keeps a message of the command that looks like a message of kubectl", async () => {
    expect((await of("error: mine\n", `more\n${end}`)).shown).toBe(`error: mine\nmore\n${end}`);
    expect((await of("error: mine\n", end)).shown).toBe(`error: mine\n${end}`);
  });
});

test("a helper pod belongs to a process by its host, number and start time", () => {
  const owner = ownerLabel("My_Host.example", 42, "1000");
  expect(owner).toMatch(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
  expect(ownerLabel("h".repeat(80), 42, "1000")).toHaveLength(63);
  expect(hasEnded(owner, "My_Host.example", () => "1000")).toBe(false);
  expect(hasEnded(owner, "My_Host.example", () => undefined)).toBe(true);
  expect(hasEnded(owner, "My_Host.example", () => "2000")).toBe(true);
  expect(hasEnded(owner, "another", () => undefined)).toBe(false);
});

test("the helpers that are left are those of ended clients here, and those that have ended by themselves", () => {
  const mine = ownerLabel("here", 42, "1000");
  const other = ownerLabel("there", 42, "1000");
  const rows = [
    { name: "in use here", owner: mine, phase: "Running" },
    { name: "in use there", owner: other, phase: "Running" },
    { name: "idle there", owner: other, phase: "Succeeded" },
    { name: "shared", owner: "", phase: "Succeeded" },
  ];
  const names = (start: string) => leftHelpers(rows, "here", () => start).map(({ name }) => name);
  expect(names("1000")).toEqual(["idle there"]);
  expect(names("2000")).toEqual(["in use here", "idle there"]);
});
