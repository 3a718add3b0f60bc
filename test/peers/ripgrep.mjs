#!/usr/bin/env node
// Compares `porthole grep` with ripgrep on the inputs of ripgrep's own tests:
//
//   node test/peers/ripgrep.mjs DIRECTORY [TEST...]
//
// DIRECTORY is a source tree of ripgrep 15.0.0, which need not be built; no part of it is in this
// repository. Each test creates files and has one or more command lines. Both programs run each
// command line on these files, and must print the same lines and end with the same status.
//
// ripgrep-differences.json lists the tests that differ by intent. The exit status is 1 when another
// test differs, or when a listed test does not. Tests that the reader below cannot read are
// counted.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [tree, ...only] = process.argv.slice(2);
if (tree === undefined || tree.startsWith("-")) {
  process.stderr.write("usage: ripgrep.mjs DIRECTORY [TEST...]\n");
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const porthole = join(here, "../../dist/porthole.js");
const rg = createRequire(import.meta.url).resolve(`@vscode/ripgrep-linux-${process.arch}/bin/rg`);
/** @type {{ reason: string, tests: string[] }[]} */
const differences = JSON.parse(readFileSync(join(here, "ripgrep-differences.json"), "utf8"));

/** A test that the reader does not understand. The message has the reason. */
class NotRead extends Error {}

const counts = { same: 0, "as listed": 0, different: 0, "not read": 0 };
const wrong = [];
const reasons = new Map();
for (const file of readdirSync(join(tree, "tests"))
  .filter((name) => name.endsWith(".rs"))
  .sort()) {
  const source = readFileSync(join(tree, "tests", file), "utf8");
  const constants = constantsOf(readFileSync(join(tree, "tests/hay.rs"), "utf8") + source);
  for (const [, name, body] of source.matchAll(/^rgtest!\((\w+), \|[^|]*\| \{\n(.*?)^\}\);/gms))
    if (only.length === 0 || only.includes(name)) await compare(name, body, constants);
}
for (const [reason, count] of reasons) console.log(`not read: ${count} with ${reason}`);
console.log(
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(", "),
);
if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exitCode = 1;
}

async function compare(name, body, constants) {
  const directory = mkdtempSync(`${tmpdir()}/porthole-peers-`);
  const differing = [];
  try {
    readBlock(
      tokens(body),
      { directory, ran: (args, cwd) => differing.push(...differenceOf(args, cwd)) },
      new Map(constants),
    );
  } catch (error) {
    if (!(error instanceof NotRead)) throw error;
    counts["not read"]++;
    reasons.set(error.message, (reasons.get(error.message) ?? 0) + 1);
    return;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const why = differences.find(({ tests }) => tests.includes(name))?.reason;
  if (differing.length === 0 && why === undefined) counts.same++;
  else if (differing.length === 0) wrong.push(`${name} is the same: remove it from ripgrep-differences.json`);
  else if (why !== undefined) counts["as listed"]++;
  else {
    counts.different++;
    wrong.push(`${name}:`, ...differing);
  }
}

/** Returns the constants at the top of a file, by name. */
function constantsOf(source) {
  const found = new Map();
  for (const [, name, value] of source.matchAll(
    /^(?:pub )?const (\w+):[^=]*=\s*((?:[^;"]|"(?:\\[\s\S]|[^"\\])*")*);/gm,
  ))
    found.set(name, evaluated(tokens(value), found));
  return found;
}

/** Runs both programs. Returns the differences as lines to print. */
function differenceOf(args, cwd) {
  // Without a path, ripgrep searches the working directory and porthole reads standard input.
  const operands = args.filter((arg, at) => !arg.startsWith("-") && !["-g", "--ignore-file"].includes(args[at - 1]));
  const paths = args.includes("--files") ? operands : operands.slice(1);
  const all = paths.some((path) => existsSync(join(cwd, path))) ? args : [...args, "./"];
  const run = (command, before) => {
    const { stdout, stderr, status, error } = spawnSync(command, [...before, ...all], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      env: { ...process.env, RIPGREP_CONFIG_PATH: "" },
    });
    if (error) throw new NotRead(`a command that cannot run here: ${error.message}`);
    return { stdout, stderr: stderr.toString(), status };
  };
  const expected = run(rg, []);
  const ours = run(process.execPath, [porthole, "grep"]);
  // Files are printed in any order, and some lines contain times.
  const lines = ({ stdout }) =>
    stdout
      .toString("latin1")
      .replace(/[0-9.]+ seconds/g, "seconds")
      .replace(/"(elapsed|elapsed_total)":\{[^}]*\}/g, '"$1"')
      .split("\n")
      .sort()
      .join("\n");
  if (lines(expected) === lines(ours) && expected.status === ours.status) return [];
  return [
    `  ${all.map((arg) => JSON.stringify(arg)).join(" ")}`,
    `    rg ${expected.status}: ${JSON.stringify(lines(expected).slice(0, 200))} ${expected.stderr.slice(0, 200).trim()}`,
    `    porthole ${ours.status}: ${JSON.stringify(lines(ours).slice(0, 200))} ${ours.stderr.slice(0, 200).trim()}`,
  ];
}

/**
 * Splits Rust into tokens without comments: a string literal is { text }, any other token a string.
 */
function tokens(source) {
  const found = [];
  for (const [token] of source.matchAll(
    /\/\/[^\n]*|b?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|'(?:\\.|[^'\\])'|\w+|[^\s]/g,
  )) {
    if (token.startsWith("//")) continue;
    const raw = /^b?r(#*)"([\s\S]*)"\1$/.exec(token);
    if (raw) found.push({ text: Buffer.from(raw[2]) });
    else if (/^b?"/.test(token)) found.push({ text: unescaped(token.replace(/^b/, "").slice(1, -1)) });
    else found.push(token);
  }
  return found;
}

function unescaped(literal) {
  const simple = { n: "\n", r: "\r", t: "\t", 0: "\0", "\\": "\\", '"': '"', "'": "'" };
  const parts = [];
  for (const [part, sequence] of literal.matchAll(/\\(\r?\n\s*|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|.)|[^\\]+/g))
    if (sequence === undefined) parts.push(Buffer.from(part));
    else if (/^\s/.test(sequence)) continue;
    else if (sequence.startsWith("x")) parts.push(Buffer.from([Number.parseInt(sequence.slice(1), 16)]));
    else if (sequence.startsWith("u"))
      parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(sequence.slice(2, -1), 16))));
    else parts.push(Buffer.from(simple[sequence] ?? sequence));
  return Buffer.concat(parts);
}

/** Interprets a block: creates its files, collects arguments, and calls `ran` for each run. */
function readBlock(all, { directory, ran }, values) {
  const commands = new Map([["cmd", { args: [], cwd: directory }]]);
  for (let at = 0; at < all.length; ) {
    if (all[at] === "if" && all.slice(at, at + 8).includes("is_pcre2")) {
      at = closing(all, all.indexOf("{", at)) + 1;
      continue;
    }
    let end = at;
    while (end < all.length && all[end] !== ";")
      end = "([{".includes(typeof all[end] === "string" ? all[end] : "?") ? closing(all, end) + 1 : end + 1;
    readStatement(all.slice(at, end), { directory, ran, values, commands });
    at = end + 1;
  }
}

function readStatement(statement, context) {
  const { directory, ran, values, commands } = context;
  if (statement[0] === "let" || statement[0] === "const") {
    const equals = statement.indexOf("=");
    const name = statement[1] === "mut" ? statement[2] : statement[1];
    const rest = statement.slice(equals + 1);
    if (rest[0] === "dir" && rest[2] === "command") commands.set(name, { args: [], cwd: directory });
    else if (rest.length === 1 && rest[0].text) return values.set(name, rest[0].text);
    else if (rest[0] === "&" && rest[1] === "[") return values.set(name, evaluated(rest, values));
  }
  for (let at = 0; at < statement.length; at++) {
    const receiver = statement[at];
    if (statement[at + 1] !== "." || statement[at - 1] === ".") continue;
    if (receiver !== "dir" && !commands.has(receiver)) continue;
    let command = commands.get(receiver);
    for (let dot = at + 1; statement[dot] === "."; ) {
      const method = statement[dot + 1];
      if (statement[dot + 2] !== "(") break;
      const close = closing(statement, dot + 2);
      const given = () => split(statement.slice(dot + 3, close)).map((part) => evaluated(part, values));
      if (command !== undefined) onCommand(method, given, command, ran);
      else if (method === "command") command = { args: [], cwd: directory };
      else onDirectory(method, given, directory);
      dot = close + 1;
    }
  }
}

function onDirectory(method, given, directory) {
  if (method === "is_pcre2") return;
  const [name, content] = given();
  if (method === "create" || method === "create_bytes") writeFileSync(join(directory, `${name}`), content);
  else if (method === "create_dir") mkdirSync(join(directory, `${name}`), { recursive: true });
  else if (method === "link_dir" || method === "link_file")
    symlinkSync(join(directory, `${name}`), join(directory, `${content}`));
  else if (method === "create_size") {
    writeFileSync(join(directory, `${name}`), "");
    truncateSync(join(directory, `${name}`), Number(content));
  } else if (method === "remove") rmSync(join(directory, `${name}`));
  else throw new NotRead(`dir.${method}`);
}

function onCommand(method, given, command, ran) {
  const ends = ["stdout", "output", "raw_output", "assert_err", "assert_exit_code", "assert_non_empty_stderr"];
  if (method === "arg") command.args.push(`${given()[0]}`);
  else if (method === "args") command.args.push(...given()[0].map(String));
  else if (method === "current_dir") command.cwd = join(command.cwd, `${given()[0]}`);
  else if (ends.includes(method)) ran(command.args, command.cwd);
  else if (!["unwrap", "is_empty", "contains", "status", "success"].includes(method))
    throw new NotRead(`cmd.${method}`);
}

function evaluated(part, values) {
  const [first, ...more] = part[0] === "&" ? part.slice(1) : part;
  if (first?.text && more.length === 0) return first.text;
  if (first === "include_bytes") return readFileSync(join(tree, "tests", `${more[2].text}`));
  if (first === "[") return split(more.slice(0, -1)).map((each) => evaluated(each, values));
  if (more.length === 0 && values.has(first)) return values.get(first);
  if (/^[0-9_]+$/.test(first) && more.length === 0) return first.replaceAll("_", "");
  throw new NotRead(`computed arguments`);
}

function split(list) {
  const parts = [[]];
  for (let at = 0; at < list.length; at++) {
    if (list[at] === ",") parts.push([]);
    else if (typeof list[at] === "string" && "([{".includes(list[at])) {
      const close = closing(list, at);
      parts.at(-1).push(...list.slice(at, close + 1));
      at = close;
    } else parts.at(-1).push(list[at]);
  }
  return parts.filter((part) => part.length > 0);
}

/** Returns the position of the bracket that closes the one at `open`. */
function closing(list, open) {
  let depth = 0;
  for (let at = open; at < list.length; at++) {
    if (typeof list[at] !== "string") continue;
    if ("([{".includes(list[at])) depth++;
    else if (")]}".includes(list[at]) && --depth === 0) return at;
  }
  return list.length - 1;
}
