import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";

/**
 * Adds a docker context in the format of `docker context create`. `configuration` is the directory
 * `.docker` of its user.
 */
export function addContext(configuration: string, name: string, host: string): void {
  const directory = contextDirectory(configuration, name);
  mkdirSync(directory, { recursive: true });
  const context = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } };
  writeFileSync(`${directory}/meta.json`, JSON.stringify(context));
}

export function removeContext(configuration: string, name: string): void {
  rmSync(contextDirectory(configuration, name), { recursive: true });
}

function contextDirectory(configuration: string, name: string): string {
  return `${configuration}/contexts/meta/${createHash("sha256").update(name).digest("hex")}`;
}
