import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathBytes, placeName, type Target } from "../../src/target.ts";

/**
 * Creates a private directory with a link for each target, named after it: `web/var/log/app.log`.
 * The container chooses the names, so they are used in the file system only, never as arguments.
 * The caller removes the directory.
 * @param links the destination of each target's link
 */
export function makeLinks(targets: readonly Target[], links: readonly string[]): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "porthole-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  try {
    targets.forEach((target, index) => {
      const place = pathBytes(join(path, linkName(target)));
      mkdirSync(parent(place), { recursive: true });
      symlinkSync(links[index] ?? "", place);
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { path, remove };
}

function linkName(target: Target): string {
  const place = target.kind === "local" ? "local" : placeName(target).replace(/^pid:/, "pid-");
  // `..` at the root stays at the root, as in the container.
  return join(place, join("/", target.path));
}

function parent(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf(0x2f));
}
