import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathBytes, type Target, targetName } from "../../src/target.ts";

/**
 * A private directory with a link for each target, with the target's name: `web:/var/log/app.log`.
 * The container chooses the names, so they are used only in the file system, never as arguments.
 */
export class Links {
  readonly #targets: readonly Target[];
  #path: string | undefined;

  constructor(named: readonly { target: Target }[]) {
    this.#targets = named.map(({ target }) => target);
  }

  /** Creates the directory. `links` are the paths that the links point to. */
  directory(links: readonly string[]): string {
    const path = mkdtempSync(join(tmpdir(), "porthole-"));
    this.#path = path;
    this.#targets.forEach((target, index) => {
      const linkPath = pathBytes(join(path, linkName(target)));
      mkdirSync(parent(linkPath), { recursive: true });
      symlinkSync(links[index] ?? "", linkPath);
    });
    return path;
  }

  /** Removes the directory, if it was created. */
  remove(): void {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
  }
}

function linkName(target: Target): string {
  const directory = target.kind === "local" ? "local" : `${targetName(target)}:`;
  // `..` at the root resolves to the root, as in the container.
  return join(directory, join("/", target.path));
}

function parent(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf(0x2f));
}
