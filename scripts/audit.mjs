// Checks package-lock.json against security advisories in files, for machines that cannot reach an
// `npm audit` endpoint. The files are JSON in the OSV format (https://ossf.github.io/osv-schema/):
// one advisory, or an array of them.
//
//     node scripts/audit.mjs ADVISORIES.json...
//
// Prints a line for each affected package. Exits with 1 if there is an affected package, 2 for
// wrong usage.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const files = process.argv.slice(2);
if (files.length === 0) fail("usage: node scripts/audit.mjs ADVISORIES.json...   (OSV format)");

const lock = JSON.parse(readFileSync(fileURLToPath(new URL("../package-lock.json", import.meta.url)), "utf8"));
const installed = Object.entries(lock.packages).flatMap(([path, { name, version }]) => {
  const packageName = name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  return path === "" ? [] : [{ name: packageName, version }];
});
const advisories = files.flatMap(readAdvisories);
const found = new Set(
  advisories.flatMap(({ id, summary = "no summary", affected = [] }) =>
    installed
      .filter((each) => affected.some((entry) => isAffected(each, entry)))
      .map(({ name, version }) => `${name} ${version}: ${id}: ${summary}`),
  ),
);
for (const line of found) console.log(line);
console.log(`${installed.length} packages, ${advisories.length} advisories: ${found.size} found`);
process.exitCode = found.size > 0 ? 1 : 0;

function readAdvisories(file) {
  try {
    return [JSON.parse(readFileSync(file, "utf8"))].flat();
  } catch (error) {
    return fail(`${file}: ${error.message} (JSON in the OSV format is needed)`);
  }
}

function isAffected({ name, version }, { package: { ecosystem, name: affected } = {}, versions = [], ranges = [] }) {
  if (ecosystem !== "npm" || affected !== name) return false;
  return (
    versions.includes(version) || ranges.some(({ type, events = [] }) => type === "SEMVER" && isIn(version, events))
  );
}

/**
 * True if a range contains the version. The events of a range are ordered by version, and the last
 * matching event decides.
 */
function isIn(version, events) {
  let inside = false;
  for (const { introduced, fixed, last_affected: last } of events) {
    if (introduced !== undefined && (introduced === "0" || compare(version, introduced) >= 0)) inside = true;
    if (fixed !== undefined && compare(version, fixed) >= 0) inside = false;
    if (last !== undefined && compare(version, last) > 0) inside = false;
  }
  return inside;
}

/** Compares by the rules of https://semver.org, section 11: negative, zero or positive. */
function compare(a, b) {
  const [x, y] = [a, b].map((version) => {
    const [, core, before] = /^([^-+]*)(?:-([^+]*))?/.exec(version);
    return { core: core.split("."), before: before?.split(".") };
  });
  const byCore = compareParts(x.core, y.core);
  if (byCore !== 0 || x.before === y.before) return byCore;
  if (x.before === undefined || y.before === undefined) return x.before === undefined ? 1 : -1;
  return compareParts(x.before, y.before);
}

function compareParts(a, b) {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [x, y] = [a[index], b[index]];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [isNumber, isOtherNumber] = [x, y].map((part) => /^\d+$/.test(part));
    if (isNumber && isOtherNumber) return Number(x) - Number(y);
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

function fail(text) {
  process.stderr.write(`audit: ${text}\n`);
  process.exit(2);
}
