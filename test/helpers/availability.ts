import { describe, inject } from "vitest";
import type { Need } from "./machine.ts";

/**
 * `describe` for tests with requirements on the machine. Without them the tests are skipped, with
 * the reason in the title; global-setup.ts reports it for the whole run, or fails the run
 * (PORTHOLE_TEST_ENGINES=required).
 *
 * Write the needs as literals: global-setup.ts reads the test files to know which engines to start.
 */
export function describeWith(needs: Need | readonly Need[], name: string, tests: () => void): void {
  const { missing, sockets } = inject("machine");
  const engines: Need[] = ["docker", "remappedDocker", "podman", "rootlessDocker", "rootlessPodman"];
  const reasons = [needs].flat().flatMap((need) => {
    if (missing[need] !== undefined) return [`${need}: ${missing[need]}`];
    if (engines.includes(need) && sockets[need] === undefined)
      throw new Error(`${need} was not started: write it as a literal in the test file's describeWith`);
    return [];
  });
  if (reasons.length === 0) describe(name, tests);
  else describe.skip(`${name} (skipped: ${reasons.join("; ")})`, tests);
}

/** {@link describeWith} a private Docker daemon. */
export function describeWithDocker(name: string, tests: () => void): void {
  describeWith("docker", name, tests);
}

/** {@link describeWith} a private Podman. */
export function describeWithPodman(name: string, tests: () => void): void {
  describeWith("podman", name, tests);
}

/** {@link describeWith} root, for tests that become other users, mount, or make devices. */
export function describeAsRoot(name: string, tests: () => void): void {
  describeWith("root", name, tests);
}
