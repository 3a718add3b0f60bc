import { engineGet } from "../api/engine.ts";
import { recordedEngine } from "../api/engine-address.ts";
import { Json } from "../api/engine-json.ts";

/** A layer of an image, as its engine describes it. */
export interface ImageLayer {
  /** Digest of the layer's uncompressed archive: `sha256:` and 64 hexadecimal digits. */
  digest: string;
  /**
   * The instruction of the image's history that created the layer; undefined if the history does
   * not show it.
   */
  instruction: string | undefined;
}

/**
 * Returns the layers of an image, lowest first, by the id of the image or of one of its containers.
 * Empty if the engine does not report them or is no longer available.
 */
export async function imageLayerList(
  socketPath: string,
  { id, isImage }: { id: string; isImage: boolean },
): Promise<ImageLayer[]> {
  // The CRI has no history of an image.
  if (recordedEngine(socketPath).isCri) return [];
  const get = async (path: string) => {
    const { status, body, request } = await engineGet(recordedEngine(socketPath), path);
    return status === 200 ? new Json(body, request) : undefined;
  };
  const image = isImage ? id : (await get(`/containers/${id}/json`))?.get("Image").text()?.replace("sha256:", "");
  if (image === undefined) return [];
  const [inspection, history] = await Promise.all([get(`/images/${image}/json`), get(`/images/${image}/history`)]);
  const digests = inspection?.get("RootFS").get("Layers").list() ?? [];
  const instructions = layerInstructions(history?.list() ?? [], digests.length);
  return digests.map((digest, index) => ({
    digest: digest.text() ?? "",
    instruction: instructions[index] || undefined,
  }));
}

/**
 * Returns the instructions that created the layers, lowest first. The history does not mark these
 * entries, but every entry with a size created a layer. If their number differs from the number of
 * layers, as after an instruction that created an empty layer, returns no instructions.
 */
function layerInstructions(history: readonly Json[], count: number): string[] {
  const entries = history.map((entry) => ({
    instruction: entry.get("CreatedBy").text() ?? "",
    hasFiles: entry.get("Size").number() !== 0,
  }));
  const made = entries.filter(({ hasFiles }) => hasFiles);
  const chosen = made.length === count ? made : entries;
  return chosen.length === count ? chosen.map(({ instruction }) => readable(instruction)).reverse() : [];
}

/**
 * Docker's builders write `/bin/sh -c #(nop) COPY ...` for instructions other than RUN, and `RUN |1
 * ARG=x /bin/sh -c make # buildkit`.
 */
function readable(instruction: string): string {
  return instruction
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, "")
    .replace(/^\/bin\/sh -c /, "RUN ")
    .replace(/^RUN (?:\|\d+ .*?)?\/bin\/sh -c /, "RUN ")
    .replace(/\s*# buildkit$/, "")
    .trim();
}
