import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { User } from "./porthole.ts";

/** Adds a docker context of a user, in the format of `docker context create`. */
export function addContext(of: User, name: string, host: string): void {
  const directory = contextDirectory(of, name);
  mkdirSync(directory, { recursive: true });
  const context = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } };
  writeFileSync(`${directory}/meta.json`, JSON.stringify(context));
}

export function removeContext(of: User, name: string): void {
  rmSync(contextDirectory(of, name), { recursive: true });
}

function contextDirectory(of: User, name: string): string {
  return `${of.env.HOME}/.docker/contexts/meta/${createHash("sha256").update(name).digest("hex")}`;
}
