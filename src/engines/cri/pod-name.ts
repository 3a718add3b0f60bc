import { PortholeError } from "../../errors.ts";

/** The parsed name of a `pod:` target. */
export interface PodName {
  /** The name as the user wrote it, without `pod:`. */
  text: string;
  /** Possible interpretations. `A/B` is a pod in a namespace, or a container in a pod. */
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
