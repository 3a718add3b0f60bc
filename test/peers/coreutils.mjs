#!/usr/bin/env node
// Runs the tests that GNU coreutils has for tail, head and cat against porthole:
//
//     node test/peers/coreutils.mjs [--reference] DIRECTORY [TEST...]
//
// DIRECTORY is an unpacked source tree of coreutils 9.1 (`apt-get source coreutils` on Debian 12),
// which need not be built; no part of it is in this repository. TEST is a name such as
// tail-2/pid.sh. --reference runs the local tail, head and cat instead, to show which tests can
// pass.
//
// coreutils-differences.json lists the tests, and cases of the Perl tests, that differ by intent.
// The exit status is 1 when another test fails, or when a listed test passes.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAMS = ["tail", "head", "cat"];
/** Milliseconds for one test: misc/head-elide-tail.pl starts head some 1,900 times. */
const TIMEOUT_MS = 1_800_000;

const args = process.argv.slice(2);
const isReference = args[0] === "--reference";
if (isReference) args.shift();
const [directory, ...wanted] = args;
if (directory === undefined || directory.startsWith("-")) {
  process.stderr.write("usage: coreutils.mjs [--reference] DIRECTORY [TEST...]\n");
  process.exit(2);
}
const source = resolve(directory);
const here = fileURLToPath(new URL(".", import.meta.url));
const porthole = resolve(here, "../../dist/porthole.js");
/** @type {{ reason: string, tests: string[] }[]} */
const differences = JSON.parse(readFileSync(join(here, "coreutils-differences.json"), "utf8"));

const work = mkdtempSync(join(tmpdir(), "porthole-coreutils-"));
try {
  process.exitCode = await run();
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function run() {
  prepare();
  const tests = testNames().filter((name) => wanted.length === 0 || wanted.includes(name));
  if (tests.length === 0) throw new Error(`${source} has none of these tests (is it coreutils 9.1?)`);
  const counts = { passed: 0, "as listed": 0, failed: 0, skipped: 0, "listed but passed": 0 };
  const waiting = [...tests];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) report(await outcomesOf(name), counts);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  process.stdout.write(
    `${Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ")}\n`,
  );
  return counts.failed + counts["listed but passed"] > 0 ? 1 : 0;
}

/**
 * Creates the files that a build of coreutils would create: src/ with the programs, config.h,
 * getlimits.
 */
function prepare() {
  mkdirSync(join(work, "src"));
  writeFileSync(join(work, "config.h"), "#define HAVE_INOTIFY 1\n");
  program("getlimits", `cat <<'end'\n${limits().join("\n")}\nend\n`);
  if (isReference) return;
  // Removes switches that make GNU's own tail poll. Expands the abbreviated option of one test.
  const cases = `---*|--max-unchanged-stats=*) ;; --sleep=*) set -- "$@" "--sleep-interval=\${arg#*=}";; *) set -- "$@" "$arg";;`;
  for (const name of PROGRAMS) {
    program(
      name,
      `for arg do shift; case $arg in ${cases} esac; done
exec '${process.execPath}' '${porthole}' ${name} "$@"\n`,
    );
  }
}

function program(name, body) {
  const path = join(work, "src", name);
  writeFileSync(path, `#!/bin/sh\n${body}`);
  chmodSync(path, 0o755);
}

/** Returns the output of coreutils' getlimits on 64-bit Linux, as far as these tests use it. */
function limits() {
  const signed = { CHAR: 8, INT: 32, LONG: 64, SSIZE: 64, TIME_T: 64, PID_T: 32, OFF_T: 64, INTMAX: 64 };
  const unsigned = { UINT: 32, ULONG: 64, SIZE: 64, UINTMAX: 64 };
  const lines = [];
  for (const [name, bits] of Object.entries(signed)) {
    const half = 2n ** BigInt(bits - 1);
    lines.push(
      `${name}_MAX=${half - 1n}`,
      `${name}_OFLOW=${half}`,
      `${name}_MIN=-${half}`,
      `${name}_UFLOW=-${half + 1n}`,
    );
  }
  for (const [name, bits] of Object.entries(unsigned))
    lines.push(`${name}_MAX=${2n ** BigInt(bits) - 1n}`, `${name}_OFLOW=${2n ** BigInt(bits)}`);
  return lines;
}

function testNames() {
  const names = (folder, pattern) =>
    readdirSync(join(source, "tests", folder))
      .filter((name) => pattern.test(name))
      .map((name) => `${folder}/${name}`);
  return [...names("tail-2", /\.sh$/), ...names("misc", /^(tail|head|cat)\b.*\.(sh|pl)$/)];
}

/** Runs one test. A Perl test has an outcome for each of its cases, `misc/tail.pl:CASE`. */
async function outcomesOf(name) {
  const isPerl = name.endsWith(".pl");
  const perl = ["-w", `-I${source}/tests`, "-MCuSkip", "-MCoreutils", `-MCuTmpdir qw(${name.replace("/", "-")})`];
  const { status, output } = await execute(
    isPerl ? "perl" : "/bin/bash",
    [...(isPerl ? perl : []), join(source, "tests", name)],
    isPerl,
  );
  if (status === 77)
    return [{ name, state: "skipped", output: /(?:skipped test|skipping): (.*)/.exec(output)?.[1] ?? output }];
  if (!isPerl) return [{ name, state: status === 0 ? "passed" : "failed", output }];
  const cases = [...output.matchAll(/^(\S+)\.\.\.$/gm)].map((match) => match[1]);
  // The test was killed, or failed outside of a case.
  if (cases.length === 0 || status === null) return [{ name, state: "failed", output }];
  const failed = new Set([...output.matchAll(/: test (\S+?)(?: failed)?: /g)].map((match) => match[1]));
  if (status !== 0 && failed.size === 0) return [{ name, state: "failed", output }];
  return cases.map((each) => ({
    name: `${name}:${each}`,
    state: failed.has(each) ? "failed" : "passed",
    output:
      new RegExp(`^${each.replace(/[^\w-]/g, "\\$&")}\\.\\.\\.\\n([^]*?)(?=^\\S+\\.\\.\\.$|(?![^]))`, "m").exec(
        output,
      )?.[1] ?? "",
  }));
}

function execute(command, commandArgs, isPerl) {
  const env = {
    PATH: `${join(work, "src")}:${process.env.PATH}`,
    HOME: work,
    LC_ALL: "C",
    TMPDIR: work,
    SHELL: "/bin/bash",
    PERL: "perl",
    AWK: "awk",
    srcdir: source,
    top_srcdir: source,
    abs_srcdir: source,
    abs_top_srcdir: source,
    abs_top_builddir: work,
    built_programs: readdirSync("/usr/bin").join(" "),
    CONFIG_HEADER: join(work, "config.h"),
    PACKAGE_VERSION: "9.1",
    VERSION: "9.1",
    RUN_EXPENSIVE_TESTS: "yes",
    fail: "0",
    ...(isPerl ? { VERBOSE: "yes" } : {}),
  };
  return new Promise((done, failed) => {
    const child = spawn(command, commandArgs, {
      cwd: work,
      env,
      stdio: ["ignore", "pipe", "pipe", "ignore", "ignore", "ignore", "ignore", "ignore", "ignore", "pipe"],
      detached: true,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.stdio[9]?.resume();
    const timer = setTimeout(() => {
      output += `\nno end after ${TIMEOUT_MS / 1000} s`;
      if (child.pid) process.kill(-child.pid, "SIGKILL");
    }, TIMEOUT_MS);
    child.once("error", failed).once("exit", (status) => {
      clearTimeout(timer);
      // End the processes that the test has not ended.
      try {
        if (child.pid) process.kill(-child.pid, "SIGKILL");
      } catch {}
      child.stdout.destroy();
      child.stderr.destroy();
      done({ status, output });
    });
  });
}

function report(outcomes, counts) {
  for (const { name, state, output } of outcomes) {
    const reason = isReference ? undefined : reasonFor(name);
    const what =
      reason === undefined || state === "skipped" ? state : state === "failed" ? "as listed" : "listed but passed";
    counts[what]++;
    if (what === "passed") {
      if (!name.includes(":")) process.stdout.write(`passed: ${name}\n`);
      continue;
    }
    process.stdout.write(`${what}: ${name}${what === "as listed" ? ` (${reason})` : ""}\n`);
    const detail = output.trimEnd().split("\n").slice(-40).join("\n    ");
    if (what === "failed" || what === "skipped") process.stdout.write(`    ${detail}\n`);
  }
}

/**
 * Returns the reason why a test or case differs. A case NAME also means NAME.r and NAME.p: the same
 * with standard input from a file and from a pipe.
 */
function reasonFor(name) {
  return differences.find(({ tests }) => tests.includes(name.replace(/(:.*)\.[rp]$/, "$1")))?.reason;
}
