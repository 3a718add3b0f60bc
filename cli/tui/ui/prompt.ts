import { clusters } from "../../../src/text/index.ts";
import { actionFor, KEYMAP, type Keymap } from "../keymap/keymap.ts";
import type { KeyEvent } from "../keymap/keys.ts";

/** A line being typed: its characters (grapheme clusters) and the cursor between them. */
export interface PromptState {
  readonly characters: readonly string[];
  readonly cursor: number;
}

export type PromptResult =
  | { kind: "typing"; state: PromptState }
  | { kind: "done"; text: string }
  | { kind: "cancelled" };

/** Maximum characters of a line, enough for a path (PATH_MAX). Further input is dropped. */
export const MAX_CHARACTERS = 4096;

const PRINTABLE_ASCII = /^[\x20-\x7e]$/;

export const EMPTY_PROMPT: PromptState = { characters: [], cursor: 0 };

/** Creates a line with this text and the cursor at its end. */
export function promptOf(text: string): PromptState {
  const characters = [...clusters(text)];
  return { characters, cursor: characters.length };
}

/** Returns the prompt after a key. Drops control characters of pasted text. */
export function editPrompt(
  state: PromptState,
  event: Exclude<KeyEvent, { kind: "mouse" }>,
  keymap: Keymap = KEYMAP,
): PromptResult {
  const { characters, cursor } = state;
  const typing = (next: readonly string[], at: number): PromptResult => ({
    kind: "typing",
    state: { characters: next, cursor: at },
  });
  if (event.kind === "paste") return insert(state, event.text.replace(/\p{Cc}/gu, ""));
  switch (actionFor(event.key, ["prompt"], keymap)) {
    case "accept":
      return { kind: "done", text: characters.join("") };
    case "give-up":
      return { kind: "cancelled" };
    case "erase":
      if (characters.length === 0) return { kind: "cancelled" };
      return cursor === 0 ? typing(characters, 0) : typing(characters.toSpliced(cursor - 1, 1), cursor - 1);
    case "erase-under":
      return typing(characters.toSpliced(cursor, 1), cursor);
    case "cursor-left":
      return typing(characters, Math.max(0, cursor - 1));
    case "cursor-right":
      return typing(characters, Math.min(characters.length, cursor + 1));
    case "cursor-start":
      return typing(characters, 0);
    case "cursor-end":
      return typing(characters, characters.length);
    case "erase-before":
      return typing(characters.slice(cursor), 0);
    case "erase-after":
      return typing(characters.slice(0, cursor), cursor);
    case "erase-word": {
      const kept = characters
        .slice(0, cursor)
        .join("")
        .replace(/\S+\s*$/u, "");
      const before = [...clusters(kept)];
      return typing([...before, ...characters.slice(cursor)], before.length);
    }
    default:
      // Other keys have names that are longer than one cluster.
      return [...clusters(event.key)].length === 1 ? insert(state, event.key) : typing(characters, cursor);
  }
}

function insert(state: PromptState, text: string): PromptResult {
  const { characters, cursor } = state;
  const room = MAX_CHARACTERS - characters.length;
  if (room <= 0) return { kind: "typing", state };
  // ASCII characters never combine. Without bracketed paste, a terminal sends one character at a
  // time.
  const around = [text, characters[cursor - 1], characters[cursor]];
  if (around.every((one) => one === undefined || PRINTABLE_ASCII.test(one)))
    return { kind: "typing", state: { characters: characters.toSpliced(cursor, 0, text), cursor: cursor + 1 } };
  // A combining mark joins the cluster before it. A cluster further back never changes, and those
  // after the text only if the next one does: splits the whole line again only then.
  const from = Math.max(0, cursor - 1);
  const before = (characters[cursor - 1] ?? "") + firstClusters(text, room);
  const next = characters[cursor] ?? "";
  const joined = [...clusters(before)];
  const isNextKept = next === "" || [...clusters(before + next)].at(joined.length) === next;
  const rest = isNextKept
    ? [...joined, ...characters.slice(cursor)]
    : [...clusters(before + characters.slice(cursor).join(""))];
  const all = [...characters.slice(0, from), ...rest];
  return { kind: "typing", state: { characters: all, cursor: Math.min(from + joined.length, all.length) } };
}

/** Returns the first clusters of a text. Splits only those: a paste may be a megabyte. */
function firstClusters(text: string, count: number): string {
  let end = 0;
  let left = count;
  for (const cluster of clusters(text)) {
    if (left-- === 0) break;
    end += cluster.length;
  }
  return text.slice(0, end);
}
