import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * False if the command can only use the default sockets of this machine, or a socket with an agent
 * of this user: these engines are on this kernel. Loads no module, because most commands need none.
 * @param engine the value of `--engine`
 */
export function mayBeElsewhere(engine: string | undefined, args: readonly string[]): boolean {
  const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME = "" } = process.env;
  const configuration = DOCKER_CONFIG || `${HOME}/.docker`;
  if (args.some((arg) => arg.includes("!") && /^[A-Za-z0-9][\w.+-]*!/.test(arg))) return true;
  if (engine === "all") return existsSync(`${configuration}/contexts/meta`);
  const address = engine ?? DOCKER_HOST;
  if (address) return !hasAgents(address);
  return Boolean(DOCKER_CONTEXT) || mayHaveContext(configuration);
}

/**
 * True if a record of an agent names the engine of this address, as `hasAgentsOf` of src/routes
 * finds. False is also returned if that is unknown.
 */
function hasAgents(address: string): boolean {
  const socketPath = address.replace(/^unix:\/\/(?=\/)/, "");
  if (!socketPath.startsWith("/")) return false;
  const { XDG_STATE_HOME = "", HOME = "" } = process.env;
  const state = XDG_STATE_HOME.startsWith("/") ? XDG_STATE_HOME : `${HOME}/.local/state`;
  const field = `"engine":${JSON.stringify(socketPath)}`;
  try {
    const agents = `${state}/porthole/agents`;
    const records = readdirSync(agents).filter((name) => name.endsWith(".json"));
    return records.some((name) => readFileSync(`${agents}/${name}`, "latin1").includes(field));
  } catch {
    return false;
  }
}

/** False if docker's configuration has no context. Escapes could hide the name of the field. */
function mayHaveContext(configuration: string): boolean {
  try {
    const text = readFileSync(`${configuration}/config.json`, "latin1");
    return /"currentContext"|\\u/.test(text) || existsSync(`${configuration}/contexts/meta`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}
