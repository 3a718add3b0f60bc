import { PortholeError } from "../../errors.ts";

/** What a `pod:` target names. */
export interface PodName {
  /** As written, without `pod:`. */
  text: string;
  /** The possible meanings: `A/B` is a pod of a namespace, or a container of a pod. */
  meanings: readonly { namespace: string | undefined; pod: string; container: string | undefined }[];
}

const PART = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/**
 * Parses `[NAMESPACE/]POD[/CONTAINER]`.
 * @throws PortholeError USAGE
 */
export function parsePodName(text: string): PodName {
  const parts = text.split("/");
  const [first = "", second, third] = parts;
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new PortholeError("USAGE", `'pod:${text}' names no pod`, {
      hint: "write pod:[NAMESPACE/]POD[/CONTAINER]:/path",
    });
  }
  if (second === undefined) return { text, meanings: [{ namespace: undefined, pod: first, container: undefined }] };
  if (third !== undefined) return { text, meanings: [{ namespace: first, pod: second, container: third }] };
  return {
    text,
    meanings: [
      { namespace: first, pod: second, container: undefined },
      { namespace: undefined, pod: first, container: second },
    ],
  };
}
