import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RemoteEngine } from "../engines/api/remote-engine.ts";
import { readOr } from "../errors.ts";
import { ensureRunDirectory } from "../routes/run-directory/run-dir.ts";

/**
 * Remembers that this user has a helper on an engine, for {@link recordedEngines}. Call it at each
 * use of the helper.
 */
export function recordEngine(remote: RemoteEngine): void {
  mkdirSync(directory(), { mode: 0o700, recursive: true });
  writeFileSync(fileOf(remote), JSON.stringify(remote), { mode: 0o600 });
}

/**
 * Returns the time of the last {@link recordEngine}, in milliseconds since 1970; 0 if there is no
 * record.
 */
export function lastUse(remote: RemoteEngine): number {
  return statSync(fileOf(remote), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Removes the record: the engine has no helper of this user. */
export function forgetEngine(remote: RemoteEngine): void {
  rmSync(fileOf(remote), { force: true });
}

/** Returns the engines on which this user has or had a helper, by address. */
export function recordedEngines(): RemoteEngine[] {
  const names = readOr([], () => readdirSync(directory()));
  return names.flatMap((name) => parsed(join(directory(), name))).sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** Not validated: only this user can write to the directory. */
function parsed(path: string): RemoteEngine[] {
  return readOr([], () => [JSON.parse(readFileSync(path, "utf8")) as RemoteEngine]);
}

function fileOf({ address }: RemoteEngine): string {
  return join(directory(), createHash("sha256").update(address).digest("hex").slice(0, 16));
}

function directory(): string {
  return join(ensureRunDirectory().root, "engines");
}
