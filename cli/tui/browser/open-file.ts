import type { OpenFile } from "../../../src/sessions/index.ts";
import { tailSource } from "../../tail/tail-source.ts";
import type { TailTarget } from "../../tail/tail-target.ts";
import type { Connection } from "../connection/connection.ts";
import type { Host } from "../view/view.ts";
import { decompressedViewer } from "../viewer/decompressed.ts";
import { type EarlierFiles, earlierText } from "../viewer/document/earlier-files.ts";
import { ViewerView } from "../viewer/viewer-view.ts";
import type { ViewerViewOptions } from "../viewer/viewer-view-options.ts";

/**
 * Creates a viewer for an open file of `connection`. Takes ownership: closes the file with the
 * viewer, or if this fails.
 * @throws PortholeError FILE for a compressed file that cannot be decompressed
 */
export async function viewFile(
  connection: Connection,
  file: OpenFile,
  options: { title: string; path: string; earlier?: EarlierFiles } & Pick<
    ViewerViewOptions,
    "startAtEnd" | "follow" | "match"
  >,
  host: Host,
): Promise<ViewerView> {
  const { path, ...rest } = options;
  const subtitle = () => [connection.routeText, file.kind, earlierText(options.earlier)].filter(Boolean).join(", ");
  const decompressed = await decompressedOrClose(file, subtitle);
  let followed: TailTarget | undefined;
  const follow: ViewerViewOptions["followSource"] = (tell) => {
    followed = connection.followed(tell);
    return tailSource(followed, path, file);
  };
  return new ViewerView(
    {
      ...rest,
      file,
      subtitle,
      watchSubtitle: (changed) => connection.lastExit.watch(changed),
      followSource: file.isSeekable ? follow : undefined,
      location: { connection, path },
      ended: () => connection.isEnded,
      zone: () => connection.zone(),
      lend: async () => (await import("../../../src/sessions/index.ts")).copyOpenFile(file),
      ...decompressed,
      closed: async () => {
        followed?.end();
        await decompressed?.closed();
        await options.earlier?.close();
        file.close();
      },
    },
    host,
  );
}

async function decompressedOrClose(file: OpenFile, subtitle: () => string) {
  try {
    return await decompressedViewer(file, subtitle);
  } catch (error) {
    file.close();
    throw error;
  }
}
