import { isUsable, type Lack } from "../../keymap/binding.ts";
import { COMMANDS } from "../../keymap/command-line.ts";
import { type Action, type ActionBinding, type Context, type Keymap, keyLabel } from "../../keymap/keymap.ts";
import { fuzzyMatch } from "../../ui/fuzzy.ts";
import type { Choice, KnownContainer, RecentFile } from "../../view/view.ts";

/** Everything that the palette lists. */
export interface PaletteSources {
  /** Contexts of the current view. */
  contexts: readonly Context[];
  /** What its list lacks: omits the actions that need it. */
  lacks?: Lack | undefined;
  keymap: Keymap;
  /** Recent files, most recent first. */
  recent: readonly RecentFile[];
  containers: readonly KnownContainer[];
  act(action: Action): void;
  reopen(file: RecentFile): void;
}

type Entry = Omit<Choice, "matched">;

/**
 * Maximum number of recent files before the actions if the line is empty; the rest follow the
 * actions.
 */
const RECENT_FIRST = 3;

/**
 * Returns the entries for a line, best first. `literal` is the entry for a position or for a
 * command with its argument.
 */
export function paletteChoices(text: string, sources: PaletteSources, literal?: Entry): readonly Choice[] {
  const query = text.trim();
  const found = paletteEntries(sources, query === "")
    .flatMap((entry) => {
      const match = fuzzyMatch(query, entry.name, entry.detail);
      return match ? [{ choice: { ...entry, matched: match.matched }, score: match.score }] : [];
    })
    // The sort is stable: entries with equal scores keep their order.
    .sort((a, b) => b.score - a.score)
    .map(({ choice }) => choice);
  return literal ? [{ ...literal, matched: [] }, ...found.filter(({ line }) => line !== literal.line)] : found;
}

function paletteEntries(sources: PaletteSources, isEmpty: boolean): readonly Entry[] {
  const recent = sources.recent.map((file): Entry => {
    const { title } = file;
    return { name: title, detail: "recent file", key: "", line: `open ${title}`, take: () => sources.reopen(file) };
  });
  const containers = sources.containers.map(
    ({ name, detail, open }): Entry => ({ name, detail, key: "", line: `open ${name}:/`, take: open }),
  );
  const first = isEmpty ? RECENT_FIRST : 0;
  return [...recent.slice(0, first), ...actionEntries(sources), ...ARGUMENTS, ...recent.slice(first), ...containers];
}

/** Commands that need an argument. */
const ARGUMENTS = COMMANDS.map(
  ({ name, help }): Entry => ({
    name,
    detail: help,
    key: "",
    line: `${name} `,
    isBeginning: true,
    take: () => undefined,
  }),
);

/**
 * Returns each action of the keymap once, the most useful first. Adds its key, unless a narrower
 * context uses that key.
 */
function actionEntries({ contexts, lacks, keymap, act }: PaletteSources): Entry[] {
  const taken = new Set<string>();
  const known = new Set<Action>(["command"]);
  const ranked: Entry[][] = [[], [], [], []];
  for (const context of [...contexts, "global" as const]) {
    for (const binding of keymap[context]) {
      const { action, keys, help, needs } = binding;
      if (known.has(action)) continue;
      known.add(action);
      if (!isUsable(needs, lacks)) continue;
      const key = keys.find((one) => !taken.has(one));
      const take = () => act(action);
      const entry = { name: action, detail: help, key: key === undefined ? "" : keyLabel(key), line: action, take };
      ranked[rankOf(binding)]?.push(entry);
    }
    for (const { keys } of keymap[context]) for (const key of keys) taken.add(key);
  }
  return ranked.flat();
}

/**
 * Ranks the main actions of the last row first. Its other actions, actions that it does not show,
 * and movements follow.
 */
function rankOf({ hint, isMain, isMove }: ActionBinding): number {
  if (isMove) return 3;
  if (hint === undefined) return 2;
  return isMain ? 0 : 1;
}
