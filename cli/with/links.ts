import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathBytes, placeName, type Target } from "../../src/target.ts";

/**
 * Makes a private directory with a link for each target, named as the target is: `web/var/log/app.log`. The names are the container's, so
 * they go into the file system only, never into an argument. The caller removes it.
 * @param links what each target's link points at
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
  // `..` at the root stays there, as it does inside.
  return join(place, join("/", target.path));
}

function parent(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf(0x2f));
}
