import { decodeText, INVALID_BYTE } from "../encoding/decode.ts";

/** A cluster longer than this is no character of any script: its parts are shown one by one. */
const LONGEST_CLUSTER = 32;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

// Format characters (bidi overrides and isolates, byte order mark, soft hyphen, tags), line separators, surrogates and unassigned code points.
// The joiners U+200C and U+200D are part of words and emoji and have no effect outside their cluster.
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u;

const CACHE_SIZE = 4096;
const safeClusters = new Map<string, boolean>();

/** Characters that are segmented at once: V8 takes time by the length of the whole text for each segment. */
const SEGMENTED = 512;

/** What takes room by itself. A cluster without it would join the one before. */
const VISIBLE = /[^\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\p{Mn}\p{Me}]/u;

let segmenter: Intl.Segmenter | undefined;

/**
 * Text that came from a container, made safe for a terminal: names, link targets, error texts. Every control character, escape sequence,
 * bidi override and invalid byte is shown (`^[`, `<9B>`, `<U+202E>`) instead of sent; newline and tab too (`^J`, `^I`). The result
 * holds no control byte at all. File contents go through `layoutRow`, which rests on the same rules and lets colours through.
 */
export function sanitiseText(text: string | Uint8Array): string {
  const decoded = typeof text === "string" ? text : decodeText(text);
  if (PRINTABLE_ASCII.test(decoded)) return decoded;
  let safe = "";
  for (const cluster of clusters(decoded)) safe += isSafe(cluster) ? cluster : showCluster(cluster);
  return safe;
}

/** Splits text into what a terminal draws as one character. */
export function* clusters(text: string): Generator<string> {
  // Made when it is needed first: its data takes 7 ms to load.
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (let at = 0, size = SEGMENTED; at < text.length; ) {
    // Half a surrogate pair joins nothing: what stands before it would seem to end there.
    const isHalved = (text.charCodeAt(at + size - 1) & 0xfc00) === 0xd800;
    const part = text.slice(at, at + size - (isHalved ? 1 : 0));
    const isLast = at + part.length === text.length;
    const begin = at;
    for (const { segment } of segmenter.segment(part)) {
      // What touches the end may go on behind it.
      if (!isLast && at + segment.length === begin + part.length) break;
      yield segment;
      at += segment.length;
    }
    size = at === begin ? size * 2 : SEGMENTED;
  }
}

/** True when the cluster can be sent as it is: it takes room, does nothing else, and does not join what stands before it. */
export function isSafe(cluster: string): boolean {
  if (cluster.length === 1 && cluster >= " " && cluster <= "~") return true;
  const known = safeClusters.get(cluster);
  if (known !== undefined) return known;
  const safe = cluster.length <= LONGEST_CLUSTER && !UNSAFE.test(cluster) && VISIBLE.test(cluster);
  if (safeClusters.size >= CACHE_SIZE) safeClusters.clear();
  safeClusters.set(cluster, safe);
  return safe;
}

/** Printable ASCII that stands for a cluster which may not be sent, code point by code point. */
export function showCluster(cluster: string): string {
  let shown = "";
  for (const character of cluster) shown += showCodePoint(character.codePointAt(0) ?? 0);
  return shown;
}

/** less's notation: `^X` for C0 and DEL, `<XX>` for C1 and for bytes that are not UTF-8, `<U+XXXX>` for the rest. */
function showCodePoint(code: number): string {
  if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
  if (code < 0x7f) return String.fromCharCode(code);
  if (code < 0xa0) return `<${hex(code, 2)}>`;
  if (code >= INVALID_BYTE + 0x80 && code <= INVALID_BYTE + 0xff) return `<${hex(code - INVALID_BYTE, 2)}>`;
  return `<U+${hex(code, 4)}>`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
