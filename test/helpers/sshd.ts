import { inject } from "vitest";
import { type SshServer, sshProgram, startSshServer } from "./ssh-server.ts";

export type { SshServer } from "./ssh-server.ts";

/**
 * Starts a server with its files in the run's directory. @param environment variables of its
 * commands
 */
export function startSshd(environment: Record<string, string> = {}): Promise<SshServer> {
  return startSshServer(inject("machine").directory, environment);
}

/** Makes a directory with an `ssh` that has the server's key, or a wrong key. Returns its path. */
export function sshOnPath(server: SshServer): string {
  return sshProgram(server, inject("machine").directory);
}
