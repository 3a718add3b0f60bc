import { isatty } from "node:tty";
import { describeImage, dialler, imagePieces, installedFiles, loadImage } from "../../src/elsewhere/index.ts";
import { type Engine, engineElsewhere, engines, START_ENGINE } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { write } from "../io/output.ts";
import { Progress } from "../io/progress.ts";

declare const PORTHOLE_VERSION: string;

export interface ImageOptions {
  load?: boolean;
  tag: string;
  engine?: string;
}

/**
 * `porthole image`: writes an image of this installation to standard output, or loads it into an
 * engine and prints its name.
 */
export async function image({ load, tag, engine: explicit }: ImageOptions): Promise<number> {
  if (!load && explicit !== undefined)
    throw new PortholeError("USAGE", "--engine needs --load", { hint: "add --load to load the image there" });
  if (!load && isatty(1))
    throw new PortholeError("USAGE", "cannot write an image to a terminal", {
      hint: "use --load, or a pipe such as | docker load",
    });
  // Checks the engine before reading the files, so that an error comes early.
  const remote = load ? await engineElsewhere(explicit) : undefined;
  const connections = remote && dialler(remote);
  const engine = connections?.engine ?? (load ? oneEngine(explicit) : undefined);
  const made = describeImage(installedFiles(), PORTHOLE_VERSION);
  if (engine === undefined) {
    for (const piece of imagePieces(made, tag)) write(piece);
    return 0;
  }
  const progress = new Progress(made.size);
  const { signal } = new AbortController();
  try {
    await loadImage(engine, made, tag, { signal, sent: (bytes) => progress.at(bytes) });
  } catch (error) {
    throw connections?.explain(error) ?? error;
  } finally {
    connections?.close();
    progress.erase();
  }
  write(`${tag}\n`);
  return 0;
}

function oneEngine(explicit: string | undefined): Engine {
  const [first, ...others] = engines(explicit);
  if (first === undefined)
    throw new PortholeError("TARGET", "cannot load the image: no socket of Docker or Podman found", {
      hint: START_ENGINE,
    });
  if (others.length > 0)
    throw new PortholeError("USAGE", `cannot load the image: ${others.length + 1} engines are here`, {
      hint: `name one: ${[first, ...others].map(({ name }) => `--engine ${name}`).join(" or ")}`,
    });
  return first;
}
