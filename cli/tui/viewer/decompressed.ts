import { type Compression, compressionOf, DecompressedFile, type OpenFile } from "../../../src/sessions/index.ts";
import type { ViewerViewOptions } from "./viewer-view-options.ts";

type Shown = Pick<ViewerViewOptions, "file" | "subtitle" | "filling" | "lend" | "closed"> & {
  followSource?: undefined;
};

/**
 * Returns options that show a compressed file as its text; undefined if the file is not compressed.
 * `closed` stops decompression. Await it before closing the compressed file.
 * @throws PortholeError FILE if the file cannot be decompressed
 */
export async function decompressedViewer(
  file: OpenFile,
  subtitle: () => string,
): Promise<(Shown & { closed(): Promise<void> }) | undefined> {
  const compression: Compression | undefined = compressionOf(file);
  if (compression === undefined) return undefined;
  const whole = await DecompressedFile.open(file, compression);
  return {
    file: whole.file,
    subtitle: () => `${subtitle()}, ${compression}`,
    filling: whole,
    followSource: undefined,
    lend: async () => {
      await whole.filled();
      return (await import("../../../src/sessions/index.ts")).copyOpenFile(whole.file);
    },
    closed: () => whole.close(),
  };
}
