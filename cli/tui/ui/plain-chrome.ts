import { type ChromeRenderer, type ChromeState, promptParts, statusRow, tabsRow, titleRow } from "./chrome-text.ts";

/** The same title and status without Ink, byte for byte, for the first frames: Ink takes longer to load than the text to appear. No help. */
export const plainChrome: ChromeRenderer = {
  rows(state: ChromeState) {
    const title = titleRow(state);
    const status = statusRow(state);
    const head = `\x1b[7m\x1b[1m${title.left}\x1b[22m${title.right}\x1b[27m`;
    const tabs = tabsRow(state).map(({ text, isShown }) => (isShown ? `\x1b[1m\x1b[4m${text}\x1b[24m\x1b[22m` : text));
    const top = state.tabs ? [tabs.join(""), head] : [head];
    if (!state.prompt) return [...top, `\x1b[7m\x1b[1m${status.mark}\x1b[22m${status.left}${status.right}\x1b[27m`];
    const { label, before, under, after, hint } = promptParts(state.prompt, state.columns);
    return [
      ...top,
      `\x1b[1m${label}\x1b[22m${before}\x1b[7m${under}\x1b[27m${after}${hint && `\x1b[2m${hint}\x1b[22m`}`,
    ];
  },
  close() {},
};
