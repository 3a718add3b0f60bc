import { sanitiseText } from "../../../src/text/index.ts";
import { clipText, textWidth } from "../canvas/text-width.ts";
import type { Status } from "../view.ts";
import type { HelpPage } from "./help.ts";
import type { PromptState } from "./prompt.ts";

/** Everything the chrome shows. Equal state draw equal rows. */
export interface ChromeState {
  columns: number;
  /** Titles of the tabs, where there are several, and which one is shown. */
  tabs?: { titles: readonly string[]; at: number } | undefined;
  title: string;
  subtitle: string;
  status: Status;
  /** What is being typed, in the place of the status. */
  prompt: PromptRow | undefined;
  /** Lies over the text. */
  help: HelpPage | undefined;
}

export interface PromptRow extends PromptState {
  label: string;
  /** What it could become, for the rest of the row. */
  hint?: string;
}

/** Columns that the left end keeps before the right one goes. */
const LEFT_MINIMUM = 12;

/** Draws chrome state as rows of the screen: title first, status last, whatever lies over the text between them. */
export interface ChromeRenderer {
  rows(state: ChromeState): readonly string[];
  close(): void;
}

/** The two ends of a row, cut to fit it: `left` fills up to where `right` begins. */
export interface RowEnds {
  left: string;
  right: string;
}

/** Title row: what is open, and how it was reached. Names come from containers and are made safe here. */
export function titleRow({ title, subtitle, columns }: ChromeState): RowEnds {
  return fitRow(` ${sanitiseText(title)}`, ` ${sanitiseText(subtitle)} `, columns);
}

/** Row of tabs: the number and the title of each, in the columns that there are. */
export function tabsRow({ tabs, columns }: ChromeState): { text: string; isShown: boolean }[] {
  const titles = tabs?.titles ?? [];
  const room = Math.max(4, Math.floor((columns - 1) / Math.max(1, titles.length)) - 4);
  const parts: { text: string; isShown: boolean }[] = [];
  let left = columns;
  titles.forEach((title, index) => {
    const part = clipText(` ${index + 1} ${clipText(title, room).text} `, left);
    left -= part.width;
    if (part.width > 0) parts.push({ text: part.text, isShown: index === tabs?.at });
  });
  return parts;
}

/** Status row: what is going on at the left, where one is at the right. `mark` comes before `left`, in bold. */
export function statusRow({ status, columns }: ChromeState): RowEnds & { mark: string } {
  // A filter as it was typed is a mark, too.
  const mark = clipText(status.mark === "" ? " " : ` ${status.mark}  `, columns);
  const left = sanitiseText(status.left);
  const right = `${sanitiseText(status.right)} `;
  const room = columns - mark.width;
  // What is cut does not touch what comes after it.
  const gap = textWidth(left) + textWidth(right) <= room ? "" : "  ";
  return { mark: mark.text, ...fitRow(left, gap + right, room) };
}

/** A status with something said in the place of its left end. It is there until the next key: where both do not fit, the right end waits so long. */
export function withMessage(message: string, { mark, right }: Status, columns: number): Status {
  const width = [mark, sanitiseText(message), sanitiseText(right)].reduce((sum, text) => sum + textWidth(text), 0);
  return { mark, left: message, right: width + 6 <= columns ? right : "" };
}

/** The prompt in parts: its label, what is before the cursor, the character under it, after it. The end of a long line stays in sight. */
export function promptParts(
  prompt: PromptRow,
  columns: number,
): { label: string; before: string; under: string; after: string; hint: string } {
  const label = clipText(prompt.label, columns).text;
  const room = Math.max(1, columns - 3 - textWidth(label));
  // Only what may be seen is looked at: somebody pastes a whole log.
  const shown = (from: number, to: number) =>
    prompt.characters.slice(from, to).map((character) => sanitiseText(character));
  const { cursor } = prompt;
  let before = "";
  let left = room;
  for (const character of shown(Math.max(0, cursor - room), cursor).reverse()) {
    const width = textWidth(character);
    if (width > left) break;
    before = character + before;
    left -= width;
  }
  const [under = " "] = shown(cursor, cursor + 1);
  const after = clipText(shown(cursor + 1, cursor + 2 + left).join(""), left);
  const hint = prompt.hint ? clipText(`  ${prompt.hint}`, Math.max(0, left - after.width)).text : "";
  return { label, before, under, after: after.text, hint };
}

/** The right end goes first when there is no room for both. */
function fitRow(left: string, right: string, columns: number): RowEnds {
  const shownRight = textWidth(right) <= columns - LEFT_MINIMUM ? right : "";
  const room = Math.max(0, columns - textWidth(shownRight));
  const shownLeft = clipText(left, room).text;
  return { left: shownLeft + " ".repeat(room - textWidth(shownLeft)), right: shownRight };
}
