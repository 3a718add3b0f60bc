import { type HelperPlace, type HelperPlaceOptions, helperPlace } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { Progress, progressLine } from "../io/progress.ts";

/** Converts a remote engine to a place, and shows the progress of loading the image. */
export function placeOf(remote: RemoteEngine, options: Omit<HelperPlaceOptions, "progress">): HelperPlace {
  const progress = new Progress();
  return helperPlace(remote, {
    ...options,
    progress: (bytes, total) => {
      progress.show((elapsedMs, columns) =>
        `loading porthole's image: ${progressLine({ bytes, total, elapsedMs }, columns)}`.slice(0, columns),
      );
      if (bytes >= total) progress.erase();
    },
  });
}

/**
 * Returns the command line without the options that select the engine.
 * @throws PortholeError USAGE for bytes that the engine's API cannot carry
 */
export function argumentsThere(args: readonly string[]): string[] {
  const odd = args.find((arg) => /\p{Cs}/u.test(arg));
  if (odd !== undefined)
    throw new PortholeError("USAGE", `'${odd}' is not UTF-8, which the engine's API requires`, {
      hint: "use a pattern, such as ? for the byte",
    });
  const end = args.indexOf("--");
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    const isOption = end === -1 || at < end;
    if (isOption && /^--(engine|image)$/.test(arg)) at++;
    else if (!isOption || !/^--(engine|image)=/.test(arg)) kept.push(arg);
  }
  return kept;
}
