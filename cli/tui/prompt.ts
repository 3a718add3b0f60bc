import { clusters } from "../../src/text/index.ts";
import type { KeyEvent } from "./keys.ts";

/** A line being typed: its characters (grapheme clusters) and the cursor between them. */
export interface PromptState {
  readonly characters: readonly string[];
  readonly cursor: number;
}

export type PromptResult =
  | { kind: "typing"; state: PromptState }
  | { kind: "done"; text: string }
  | { kind: "cancelled" };

export const EMPTY_PROMPT: PromptState = { characters: [], cursor: 0 };

/** A line that holds `text`, the cursor at its end. */
export function promptOf(text: string): PromptState {
  const characters = [...clusters(text)];
  return { characters, cursor: characters.length };
}

/** The prompt after one key: readline's most used keys. Control characters in pasted text are dropped, for a line has none. */
export function editPrompt(state: PromptState, event: KeyEvent): PromptResult {
  const { characters, cursor } = state;
  const typing = (next: readonly string[], at: number): PromptResult => ({
    kind: "typing",
    state: { characters: next, cursor: at },
  });
  if (event.kind === "paste") return insert(state, event.text.replace(/\p{Cc}/gu, ""));
  switch (event.key) {
    case "enter":
      return { kind: "done", text: characters.join("") };
    case "escape":
    case "ctrl-g":
      return { kind: "cancelled" };
    case "backspace":
      if (characters.length === 0) return { kind: "cancelled" };
      return cursor === 0 ? typing(characters, 0) : typing(characters.toSpliced(cursor - 1, 1), cursor - 1);
    case "delete":
    case "ctrl-d":
      return typing(characters.toSpliced(cursor, 1), cursor);
    case "left":
    case "ctrl-b":
      return typing(characters, Math.max(0, cursor - 1));
    case "right":
    case "ctrl-f":
      return typing(characters, Math.min(characters.length, cursor + 1));
    case "home":
    case "ctrl-a":
      return typing(characters, 0);
    case "end":
    case "ctrl-e":
      return typing(characters, characters.length);
    case "ctrl-u":
      return typing(characters.slice(cursor), 0);
    case "ctrl-k":
      return typing(characters.slice(0, cursor), cursor);
    case "ctrl-w": {
      const kept = characters
        .slice(0, cursor)
        .join("")
        .replace(/\S+\s*$/u, "");
      const before = [...clusters(kept)];
      return typing([...before, ...characters.slice(cursor)], before.length);
    }
    default:
      // Names of keys that mean nothing here are longer than one cluster.
      return [...clusters(event.key)].length === 1 ? insert(state, event.key) : typing(characters, cursor);
  }
}

/** Clusters are found anew over the whole line: a combining mark joins what stands before it. */
function insert({ characters, cursor }: PromptState, text: string): PromptResult {
  const before = characters.slice(0, cursor).join("") + text;
  const all = [...clusters(before + characters.slice(cursor).join(""))];
  const at = [...clusters(before)].length;
  return { kind: "typing", state: { characters: all, cursor: Math.min(at, all.length) } };
}
