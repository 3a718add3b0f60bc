import { existsSync } from "node:fs";

/**
 * False if the command can only use the default sockets of this machine, whose engines are on this
 * kernel. Loads no module.
 * @param engine the value of `--engine`
 */
export function mayBeElsewhere(engine: string | undefined, args: readonly string[]): boolean {
  const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME = "" } = process.env;
  const configuration = DOCKER_CONFIG || `${HOME}/.docker`;
  if (args.some((arg) => arg.includes("!") && /^[A-Za-z0-9][\w.+-]*!/.test(arg))) return true;
  if (engine === "all") return existsSync(`${configuration}/contexts/meta`);
  return engine !== undefined || Boolean(DOCKER_HOST || DOCKER_CONTEXT) || existsSync(`${configuration}/config.json`);
}
