// npm run release -- VERSION [--yes]: checks that everything is ready for a release and prints the
// steps; with --yes it runs them: version, changelog, tarball, commit, tag. It does not publish the
// package.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const [version, ...flags] = process.argv.slice(2);
const isReal = flags.includes("--yes");
const LIMIT = 3_000_000;

if (!/^\d+\.\d+\.\d+$/.test(version ?? "") || flags.some((flag) => flag !== "--yes"))
  fail("usage: npm run release -- VERSION [--yes]   (VERSION as in 1.2.3)", 2);

const manifest = readFileSync("package.json", "utf8");
const current = JSON.parse(manifest).version;
const changelog = readFileSync("CHANGELOG.md", "utf8");
const problems = [];
if (compare(version, current) < 0) problems.push(`${version} is older than ${current}`);
if (said("git", "tag", "--list", `v${version}`) !== "") problems.push(`the tag v${version} exists already`);
if (said("git", "status", "--porcelain") !== "") problems.push("the work tree has changes: commit them first");
if (!/^## Unreleased\n\n(?!## )\S/m.test(changelog)) problems.push("CHANGELOG.md has no entries under Unreleased");
refuseIfAny();
for (const [what, ...command] of [
  ["lint and types", "npm", "run", "--silent", "lint"],
  ["the generated documents", "npm", "run", "--silent", "docs"],
  ["the tests of the package", "npx", "vitest", "run", "test/package"],
]) {
  step(what);
  if (!succeeds(...command)) problems.push(`${what}: failed; the output is above`);
}
if (said("git", "status", "--porcelain", "docs") !== "")
  problems.push("docs/ was out of date: commit what npm run docs wrote");

step("npm pack");
const [tarball] = JSON.parse(said("npm", "pack", "--json", "--pack-destination", "build") || "[{}]");
if (!(tarball.size <= LIMIT)) problems.push(`the tarball has ${tarball.size} bytes, more than ${LIMIT}`);

refuseIfAny();
step(`build/${tarball.filename}: ${tarball.size} bytes, ${tarball.files.length} files`);
if (!isReal) {
  step(
    `ready: with --yes it would write version ${version} and the changelog's heading, pack again, commit and tag v${version}`,
  );
  process.exit(0);
}

const date = new Date().toISOString().slice(0, 10);
writeFileSync("CHANGELOG.md", changelog.replace("## Unreleased\n", `## Unreleased\n\n## ${version} (${date})\n`));
if (version !== current && !succeeds("npm", "version", "--no-git-tag-version", version)) fail("npm version failed", 1);
const [released] = JSON.parse(said("npm", "pack", "--json", "--pack-destination", "build"));
succeeds("git", "commit", "--quiet", "-am", `Release ${version}`) || fail("git commit failed", 1);
succeeds("git", "tag", "-a", "-m", `porthole ${version}`, `v${version}`) || fail("git tag failed", 1);
step(`released ${version}: push the commit and v${version}, then npm publish build/${released.filename}`);

/**
 * Reports all problems at once, quick checks first.
 */
function refuseIfAny() {
  if (problems.length === 0) return;
  fail(`not ready for ${version}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`, 1);
}

/** Runs a command and returns its trimmed standard output; empty if it fails. */
function said(command, ...args) {
  return spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", 2] }).stdout.trim();
}

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: ["ignore", 2, 2] }).status === 0;
}

function compare(a, b) {
  const [x, y] = [a, b].map((each) => each.split(".").map(Number));
  for (let index = 0; index < 3; index++) if (x[index] !== y[index]) return x[index] - y[index];
  return 0;
}

function step(text) {
  process.stderr.write(`release: ${text}\n`);
}

function fail(text, status) {
  process.stderr.write(`release: ${text}\n`);
  process.exit(status);
}
