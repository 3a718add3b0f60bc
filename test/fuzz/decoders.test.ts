import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { THEME_PARTS } from "../../cli/tui/canvas/theme.ts";
import { type Config, decodeConfig } from "../../cli/tui/config.ts";
import { KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import { KeyParser, type TerminalEvent } from "../../cli/tui/keymap/keys.ts";
import { decodeInotify } from "../../src/descriptors/files/inotify-event.ts";
import { parseControl } from "../../src/descriptors/sockets/control.ts";
import { demultiplex } from "../../src/engines/api/demultiplex.ts";
import { changedContainer } from "../../src/engines/api/engine-event.ts";
import { decodeInfo, decodeVersion } from "../../src/engines/api/engine-info.ts";
import { parseHttpResponse } from "../../src/engines/api/http.ts";
import { decodeContainerList } from "../../src/engines/containers/container-list.ts";
import { decodeInspection } from "../../src/engines/containers/inspection.ts";
import { PortholeError } from "../../src/errors.ts";
import { parseMounts } from "../../src/files/mounts.ts";
import { decodeAgentInfo } from "../../src/protocol/agent-info.ts";
import { decodeMessage, encode, encodeMessage } from "../../src/protocol/codec.ts";
import { decodeFileClaim, decodeFileStat, decodeOpened } from "../../src/protocol/file-stat.ts";
import { FileStatAt, Op } from "../../src/protocol/messages.ts";
import { type PipeRecord, RecordDecoder } from "../../src/protocol/records.ts";
import { importFailure } from "../../src/routes/agents/agent-image.ts";
import { decodeRecord } from "../../src/routes/agents/agent-record.ts";
import { parseSessionTarget, parseTarget, pathBytes } from "../../src/target.ts";
import { decodeText } from "../../src/text/encoding/decode.ts";
import { parseTimestamp } from "../../src/text/records/timestamp.ts";
import { layoutRow } from "../../src/text/rows/layout.ts";
import { sanitiseText } from "../../src/text/rows/sanitise.ts";
import { safeLine, TerminalStream } from "../../src/text/rows/terminal-stream.ts";
import { utc } from "../../src/times/zone.ts";
import { amount } from "../helpers/extent.ts";
import { entry, fileOf, processOf, trailer } from "../protocol/record-bytes.ts";
import { agentInfo, fileStat } from "../protocol/samples.ts";
import { HOSTILE } from "../text/hostile.ts";

/** Number of inputs for each property. PORTHOLE_FUZZ_RUNS overrides it. */
const numRuns = Number(process.env.PORTHOLE_FUZZ_RUNS ?? amount(1_000, 300));

function check<T>(inputs: fc.Arbitrary<T>, property: (input: T) => void): void {
  fc.assert(fc.property(inputs, property), { numRuns });
}

/**
 * Returns the error for bad input, or undefined if the input was accepted. Rethrows any other
 * error, which would end the program.
 */
function complaint(action: () => unknown): PortholeError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof PortholeError) return error;
    throw error;
  }
}

/** Expects that the input is accepted, or refused with one of the codes. */
function acceptedOr(codes: string, action: () => unknown): void {
  expect(complaint(action)?.code).toBeOneOf([undefined, ...codes.split(" ")]);
}

const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));

/**
 * Generates variants of the samples with some bytes changed, cut off or added. Most of a sample
 * stays valid, so that the decoder gets far.
 */
function damaged(...samples: Uint8Array[]): fc.Arbitrary<Buffer> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
  return fc
    .tuple(fc.constantFrom(...samples), changes, fc.option(fc.nat(), { freq: 3, nil: undefined }), noise)
    .map(([sample, places, cut, tail]) => {
      const bytes = Buffer.from(sample);
      for (const [at, value] of places) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return cut === undefined
        ? bytes
        : Buffer.concat([bytes.subarray(0, cut % (bytes.length + 1)), tail.subarray(0, 9)]);
    });
}

/** Splits bytes into chunks, as a stream may. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[n % sizes.length] ?? 1);
    all.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return all;
}
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 });

describe("any data of an agent is decoded or refused as SESSION or ATTACH:", () => {
  const open = encodeMessage(Op.open, 7, encode.open(0, 0n, Buffer.from("/etc/hostname")));

  test("packets", () => {
    check(fc.tuple(fc.oneof(noise, damaged(open)), fc.nat({ max: 3 })), ([packet, arrived]) => {
      acceptedOr("SESSION", () => decodeMessage(packet, arrived));
    });
  });

  test("file stat", () => {
    const sample = fileStat({ mode: 0o100644, inode: 5n });
    check(
      fc.oneof(fc.uint8Array({ minLength: FileStatAt.size, maxLength: FileStatAt.size }), damaged(sample)),
      (bytes) => {
        if (bytes.length < FileStatAt.size) return; // The callers check the length.
        acceptedOr("SESSION", () => decodeFileStat(bytes));
        acceptedOr("SESSION", () => decodeFileClaim(bytes));
      },
    );
  });

  test("many opened files", () => {
    const reply = fc.uint8Array({ minLength: 8 + 2 * FileStatAt.size, maxLength: 8 + 2 * FileStatAt.size });
    check(fc.tuple(fc.oneof(noise, reply), fc.integer({ min: 1, max: 64 })), ([bytes, names]) => {
      acceptedOr("SESSION", () => decodeOpened(bytes, names, 2));
    });
  });

  test("agent info", () => {
    check(fc.oneof(noise, damaged(agentInfo())), (bytes) => {
      acceptedOr("SESSION ATTACH", () => decodeAgentInfo(bytes));
    });
  });

  test("records, the same records for any chunks of the pipe", () => {
    const [name, command, link] = ["name", "sh", "/x"].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
    const list = Buffer.concat([entry(name), processOf(command, Buffer.of()), fileOf(link), trailer(3)]);
    const outcome = (chunks: Buffer[]) => {
      const decoder = new RecordDecoder();
      const records: PipeRecord[] = [];
      const failed = complaint(() => {
        for (const chunk of chunks) records.push(...decoder.push(chunk));
        decoder.end();
      });
      return { records, failed: failed?.code };
    };
    check(fc.tuple(fc.oneof(noise, damaged(list)), cuts), ([bytes, sizes]) => {
      const whole = outcome([bytes]);
      const cut = outcome(pieces(bytes, sizes));
      expect(cut.failed).toBe(whole.failed);
      expect(whole.failed).toBeOneOf([undefined, "SESSION"]);
      if (whole.failed === undefined) expect(cut.records).toEqual(whole.records);
    });
    expect(outcome([list])).toMatchObject({ failed: undefined, records: [{}, {}, {}] });
  });

  test("inotify events, without a malformed rest", () => {
    check(noise, (bytes) => {
      for (const { name } of decodeInotify(bytes)) expect(name.includes(0)).toBe(false);
    });
  });

  test("control messages, with every descriptor once", () => {
    check(noise, (bytes) => {
      const { descriptors } = parseControl(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes.length);
      expect(descriptors.length).toBeLessThanOrEqual(bytes.length / 4);
    });
  });

  test("mount tables, without malformed lines", () => {
    const line = Buffer.from("36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n");
    check(fc.oneof(noise, damaged(line, Buffer.concat([line, line]))), (bytes) => {
      for (const mount of parseMounts(bytes)) expect(Number.isSafeInteger(mount.parent)).toBe(true);
    });
  });
});

/**
 * Generates variants of JSON values with some parts, at any depth, replaced, removed or wrapped.
 * Most of a value stays valid, so that the decoder gets far.
 */
function altered(...samples: fc.JsonValue[]): fc.Arbitrary<unknown> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.jsonValue(), fc.constant(undefined), odd)), { maxLength: 4 });
  return fc.tuple(fc.constantFrom(...samples), changes).map(([sample, all]) => {
    const whole = { sample: structuredClone(sample) };
    for (const [at, value] of all) {
      const places = placesIn(whole);
      const [object, key] = places[at % places.length] ?? [whole, "sample"];
      if (value === undefined) Reflect.deleteProperty(object, key);
      else Reflect.set(object, key, structuredClone(value));
    }
    return JSON.parse(JSON.stringify(whole)).sample;
  });
}
const odd = fc.constantFrom<unknown>(
  null,
  [],
  {},
  "",
  "7",
  0,
  -1,
  1.5,
  2 ** 53,
  true,
  [null],
  [[]],
  "__proto__",
  "x".repeat(99),
);

function placesIn(value: unknown): [object, string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[value, key] as [object, string], ...placesIn(inner)]);
}

describe("any answer of an engine is parsed or refused as TARGET:", () => {
  const id = "0123456789abcdef".repeat(4);
  const question = { socketPath: "/run/engine.sock", path: "/asked?a=b" };
  const state = { Status: "running", Running: true, Paused: false, Restarting: false, ExitCode: 0, Pid: 42 };
  const host = { PidMode: "", UsernsMode: "", Runtime: "runc", Privileged: false, DeviceCgroupRules: ["c 1:3 r"] };
  const inspection = {
    ...{ Id: id, Name: "/web", State: { ...state, StartedAt: "2026-01-02T03:04:05Z" } },
    HostConfig: { ...host, Devices: [{ PathOnHost: "/dev/null" }] },
    Mounts: [{ Destination: "/run/porthole", Source: "/state/mnt" }],
  };
  const labels = { "com.docker.compose.project": "shop", "com.docker.compose.oneoff": "False" };
  const listed = { Id: id, Names: ["/web"], Image: "app", State: "running", Status: "Up", Labels: labels };
  const info = { KernelVersion: "6.1", OperatingSystem: "x", SecurityOptions: ["name=rootless"] };

  test("HTTP", () => {
    const sample = Buffer.from(
      'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"Id":"ab"}',
    );
    check(fc.oneof(noise, damaged(sample)), (bytes) => {
      acceptedOr("TARGET", () => parseHttpResponse(bytes));
    });
  });

  /** All decoders of JSON. Each has the types of its possible results. */
  const decoders: [string, (body: unknown) => unknown, unknown, fc.JsonValue[]][] = [
    [
      "a container",
      (body) => decodeInspection(body, question),
      typesOf(decodeInspection(inspection, question)),
      [inspection],
    ],
    [
      "a list of containers",
      (body) => decodeContainerList(body, question)[0],
      typesOf(decodeContainerList([listed], question)[0]),
      [[], [listed], [listed, listed]],
    ],
    [
      "a version",
      (body) => decodeVersion(body, question),
      typesOf({ version: "", apiVersion: "" }),
      [{ Version: "1", ApiVersion: "1" }],
    ],
    ["what it is", (body) => decodeInfo(body, question), typesOf(decodeInfo(info, question)), [info]],
  ];
  test.each(decoders)("%s", (_, decode, types, samples) => {
    for (const sample of samples) expect(complaint(() => decode(sample))).toBeUndefined();
    check(fc.oneof(fc.jsonValue(), altered(...samples)), (body) => {
      let value: unknown;
      const failed = complaint(() => {
        value = decode(body);
      });
      if (failed !== undefined) {
        expect(failed.code).toBe("TARGET");
        expect(failed.message).toMatch(
          /^the engine at \/run\/engine\.sock sent an invalid response to GET \/asked: .+ is .+, not .+$/,
        );
        expect(failed.message.length).toBeLessThan(1_000);
      } else if (value !== undefined) expect([body, typesOf(value)]).toEqual([body, types]);
    });
  });

  test("events, without those of other objects than containers", () => {
    const event = { Type: "container", Action: "start", status: "start", id, Actor: { ID: id } };
    expect(changedContainer(JSON.stringify(event))).toBe(id);
    const line = fc.oneof(fc.jsonValue(), altered(event)).map((value) => JSON.stringify(value));
    check(fc.oneof(line, fc.string()), (text) => {
      expect(typeof changedContainer(text)).toBeOneOf(["undefined", "string"]);
    });
  });
});

test("the frames of an engine give exactly the bytes that arrived", () => {
  const frame = (text: string) => Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  expect(
    demultiplex(Buffer.concat([frame("ab"), frame(""), frame("c"), frame("def").subarray(0, 10)])).toString(),
  ).toBe("abcde");
  check(fc.oneof(noise, damaged(Buffer.concat([frame("ab"), frame("cd")]))), (bytes) => {
    expect(demultiplex(bytes).length).toBeLessThanOrEqual(Math.max(0, bytes.length - 8));
  });
});

test("the answer of an import is a failure with a message, or a success", () => {
  expect(importFailure('{"status":"x"}\r\n{"error":"no room"}')).toBe("no room");
  const line = fc
    .oneof(fc.jsonValue(), altered({ error: "x", errorDetail: {} }))
    .map((value) => `${JSON.stringify(value)}\n`);
  check(fc.oneof(fc.string(), line), (text) => {
    expect(typeof importFailure(text)).toBeOneOf(["undefined", "string"]);
  });
});

/** Returns the types of the parts of a decoded value. Optional parts count as present. */
function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return "list";
  if (typeof value !== "object" || value === null) return Number.isSafeInteger(value) ? "whole" : typeof value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, key === "exitCode" ? "maybe" : typesOf(part)]),
  );
}

test("a record of an agent is valid or rejected as a whole", () => {
  const names = { name: "web", engine: "/e.sock", created: "2026-01-02T03:04:05.000Z" };
  const agent = { sidecar: "f".repeat(64), agentPid: 8, agentStarted: "77", targetPid: 7 };
  const key = {
    identity: "0123456789abcdef".repeat(4),
    generation: "2026-01-02T03:04:05Z",
    route: "sidecar",
    user: "",
  };
  const record = { ...key, ...names, ...agent };
  expect(decodeRecord(record)).toEqual(record);
  check(fc.oneof(fc.jsonValue(), altered(record)), (value) => {
    const decoded = decodeRecord(value);
    if (decoded === undefined) return;
    expect(typesOf(decoded)).toEqual(typesOf(record));
    expect(decoded).toMatchObject({
      engine: expect.stringMatching(/^(\/|$)/s),
      sidecar: expect.stringMatching(/^([0-9a-f]{64})?$/),
    });
    expect(Math.min(decoded.targetPid, decoded.agentPid)).toBeGreaterThanOrEqual(0);
  });
});

/** Bytes that terminals interpret, alone and combined. */
const telling = fc.oneof(
  fc.constantFrom(...HOSTILE.map(({ bytes }) => Buffer.from(bytes))),
  fc
    .constantFrom(
      "\x1b",
      "\x1b[",
      "\x1b]",
      "\x1bO",
      "\x1b[31m",
      "\x1b[38;2;1;2;3m",
      "\x1b[200~",
      "\x1b[201~",
      "\x1b[1;5A",
      "\x1b[<0;1;1M",
      "\x07",
      "\x9b",
    )
    .map((text) => Buffer.from(text, "latin1")),
  fc
    .constantFrom("\r\n", "\t", "é", "日", "👨‍👩‍👧", "\u202e", "\u200d", "\u0301", "\ufeff", "a", "0", ";")
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
);
const terminalBytes = fc.array(telling, { maxLength: 20 }).map((parts) => Buffer.concat(parts));

/**
 * Control characters, format characters except the joiners, lone surrogates, and unassigned
 * characters.
 */
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u;

describe("terminal output is safe:", () => {
  test("names and messages contain only printable characters", () => {
    check(terminalBytes, (bytes) => {
      expect(sanitiseText(bytes)).not.toMatch(UNSAFE);
      expect(sanitiseText(decodeText(bytes))).toBe(sanitiseText(bytes));
    });
  });

  test("file content may also contain newlines, tabs and, on request, colours, for any chunks", () => {
    check(fc.tuple(terminalBytes, cuts, fc.boolean()), ([bytes, sizes, colours]) => {
      const stream = new TerminalStream({ colours });
      const text =
        pieces(bytes, sizes)
          .map((piece) => stream.push(piece))
          .join("") + stream.end();
      const rest = colours ? text.replace(/\x1b\[[0-9;:]{0,64}m/g, "") : text;
      expect(rest.replace(/[\n\t]/g, "")).not.toMatch(UNSAFE);
      if (/\x1b\[[0-9;:]{0,64}m/.test(text)) expect(text.endsWith("\x1b[0m")).toBe(true);
    });
  });

  test("lines of log files may also contain tabs and newlines", () => {
    check(terminalBytes, (bytes) => {
      expect(
        Buffer.from(safeLine(bytes))
          .toString()
          .replace(/[\n\t]/g, ""),
      ).not.toMatch(UNSAFE);
    });
  });

  test("rows of the screen may also contain colours, and are never wider than the screen", () => {
    check(fc.tuple(terminalBytes, fc.integer({ min: 1, max: 80 })), ([bytes, width]) => {
      const row = layoutRow(decodeText(bytes), { width, left: 0, colours: "pass", marks: [] });
      expect(row.text.replace(/\x1b\[[0-9;:]{0,64}m/g, "")).not.toMatch(UNSAFE);
    });
  });
});

describe("terminal input becomes keys", () => {
  const parse = (chunks: Buffer[]) => {
    const parser = new KeyParser();
    const events: TerminalEvent[] = chunks.flatMap((chunk) => parser.push(chunk));
    return [...events, ...parser.flush()];
  };

  test("the same keys for any chunks, each a name or a character without controls", () => {
    check(fc.tuple(terminalBytes, cuts), ([bytes, sizes]) => {
      const events = parse([bytes]);
      // A ^C on its own ends a paste, so such a chunk has another meaning.
      const chunks = pieces(bytes, sizes);
      fc.pre(!chunks.some((chunk) => chunk.length === 1 && chunk[0] === 3));
      expect(parse(chunks)).toEqual(events);
      for (const event of events) if (event.kind === "key") expect(event.key).toMatch(/^(\P{Cc}+)$/u);
    });
  });

  test("and an unfinished sequence does not block later keys", () => {
    check(terminalBytes, (bytes) => {
      const parser = new KeyParser();
      parser.push(bytes);
      parser.flush();
      // End a paste that has begun, because it would otherwise continue.
      parser.push(Buffer.from("\x1b[201~"));
      parser.flush();
      expect(parser.push(Buffer.from("q"))).toEqual([{ kind: "key", key: "q" }]);
    });
  });
});

describe("user input is parsed or refused as USAGE:", () => {
  const words = fc.constantFrom(
    "web",
    "pid",
    ":",
    "/",
    "..",
    ".",
    "pid:1:",
    "project/",
    "123",
    "\0",
    "-",
    "é",
    "\udcff",
    " ",
    "*",
    "99999999999",
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 8 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary", maxLength: 40 }),
  );

  test("an accepted target has a path, and a name that an engine may know", () => {
    check(text, (word) => {
      const failed = complaint(() => {
        const target = parseTarget(word);
        expect(target.path).not.toBe("");
        expect(pathBytes(target.path).length).toBeGreaterThan(0);
        if (target.kind === "container")
          expect(target.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]*(\/[A-Za-z0-9][A-Za-z0-9_.-]*)?$/);
        if (target.kind === "process") expect(Number.isSafeInteger(target.pid) && target.pid > 0).toBe(true);
      });
      expect(failed?.code).toBeOneOf([undefined, "USAGE"]);
      acceptedOr("USAGE", () => parseSessionTarget(word));
    });
  });

  test("times of log lines", () => {
    const parts = fc.constantFrom(
      "2026-01-31",
      "T",
      "14:05:06",
      ".123",
      "Z",
      "+01:00",
      " ",
      "Jan",
      "31",
      "1769868306",
      '{"time":"',
      "[",
      "E0131",
    );
    const line = fc.oneof(
      fc.array(parts, { maxLength: 8 }).map((some) => some.join("")),
      fc.string({ maxLength: 80 }),
    );
    check(line, (one) => {
      const time = parseTimestamp(one, { now: 1_800_000_000_000, zone: utc });
      if (time !== undefined) expect(Number.isFinite(time)).toBe(true);
    });
  });
});

describe("the config file is accepted or refused with the reason", () => {
  const words = fc.constantFrom(
    ...["keys", "theme", "mouse", "hidden", "preview", "viewer", "list", "quit", "line-down", "text", "match", "title"],
    ...[
      "bold cyan",
      "#ff8800",
      "on-red",
      "reverse",
      "ctrl-x",
      "j",
      "constructor",
      "__proto__",
      "toString",
      "\u001b[2J",
      "",
    ],
    ...Object.keys(KEYMAP),
    ...THEME_PARTS,
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.boolean(), fc.constant(null), fc.integer(), words),
      fc.array(tie("value"), { maxLength: 3 }),
      // A dictionary by its text: a JavaScript object would interpret __proto__.
      fc.dictionary(words, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  const near = value.map((one) => JSON.stringify({ keys: one, theme: one }));
  const text = fc.oneof(
    near,
    value.map((one) => JSON.stringify(one)),
    damaged(Buffer.from('{"keys":{"viewer":{"line-down":["j"]}},"theme":{"match":"bold"},"mouse":true}')).map(String),
    fc
      .tuple(words, words, words)
      .map(
        ([a, b, c]) =>
          `{"theme":{${JSON.stringify(a)}:${JSON.stringify(b)}},"keys":{${JSON.stringify(b)}:{${JSON.stringify(c)}:["x"]}}}`,
      ),
    fc
      .tuple(fc.constantFrom(...THEME_PARTS), words)
      .map(([part, style]) => JSON.stringify({ theme: { [part]: style } })),
    words.map((context) => `{"keys":{${JSON.stringify(context)}:{}}}`),
  );

  test("an accepted style consists of the numbers of colours and attributes", () => {
    check(text, (one) => {
      let config: Config;
      try {
        config = decodeConfig(one);
      } catch (error) {
        // A TypeError or a similar error would not describe the file.
        expect([one, (error as Error).constructor]).toEqual([one, Error]);
        return;
      }
      for (const style of Object.values(config.theme.parts))
        expect([one, style]).toEqual([one, expect.stringMatching(/^[0-9;]*$/)]);
      for (const bindings of Object.values(config.keymap)) expect(Array.isArray(bindings)).toBe(true);
      expect(typeof config.mouse).toBe("boolean");
    });
  });
});
