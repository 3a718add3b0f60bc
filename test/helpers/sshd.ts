import { inject } from "vitest";
import { type SshServer, sshProgram, startSshServer } from "./ssh-server.ts";
import { CURRENT_ENGINES } from "./variants.ts";

export type { SshServer } from "./ssh-server.ts";

/**
 * Starts a server with its files in the run's directory. Its commands find the programs of the
 * engine under test.
 * @param environment variables of its commands
 */
export function startSshd(environment: Record<string, string> = {}): Promise<SshServer> {
  const { directory, variant } = inject("machine");
  const programs = variant === undefined ? {} : { PATH: `${process.env[CURRENT_ENGINES]}:${process.env.PATH}` };
  return startSshServer(directory, { ...programs, ...environment });
}

/** Makes a directory with an `ssh` that has the server's key, or a wrong key. Returns its path. */
export function sshOnPath(server: SshServer): string {
  return sshProgram(server, inject("machine").directory);
}
