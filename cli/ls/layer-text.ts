import type { FileLayer } from "../../src/sessions/index.ts";

/**
 * Describes the layer that contains a file: `3 of 5 of the image (9b8c...): RUN ...`. Undefined for
 * a root that is a single copy or a volume, which has no layers.
 * @param show makes text of the image safe to print
 */
export function layerText(
  { kind, number, count, digest, instruction }: FileLayer,
  show: (text: string) => string,
): string | undefined {
  if (kind === "container") return "the container's own";
  if (kind === "mounts") return "the engine's mount points";
  if (kind !== "image") return undefined;
  const id = digest === undefined ? "" : ` (${show(digest.replace("sha256:", "").slice(0, 12))})`;
  return `${number} of ${count} of the image${id}${instruction === undefined ? "" : `: ${show(instruction)}`}`;
}
