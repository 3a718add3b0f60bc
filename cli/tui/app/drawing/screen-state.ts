import type { Regions } from "../../canvas/layout.ts";
import type { Theme } from "../../canvas/theme.ts";
import { type KeyHints, keyHints, keyName } from "../../keymap/hints.ts";
import type { Keymap } from "../../keymap/keymap.ts";
import { dialogHints, dialogState } from "../../ui/dialog.ts";
import { type HelpPage, helpHints, helpPage, helpWidth, turningActions } from "../../ui/help.ts";
import { paletteState } from "../../ui/palette.ts";
import type { OverlayState, ScreenState } from "../../ui/state.ts";
import { toastState } from "../../ui/toast.ts";
import type { HistogramState } from "../../view/histogram.ts";
import type { PanelSections } from "../../view/panel.ts";
import type { Status, View } from "../../view/view.ts";
import type { Overlays } from "../prompt/overlays.ts";
import { promptHints } from "../prompt/prompt-hints.ts";
import type { Tabs } from "./tabs.ts";

/** Parts of the program that the surfaces show. */
export interface ScreenParts {
  view: View;
  tabs: Tabs;
  overlays: Overlays;
  keymap: Keymap;
  theme: Theme;
  columns: number;
  regions: Regions;
  /** The status row of the last frame. */
  status: Status;
  side: PanelSections | undefined;
  histogram: HistogramState | undefined;
  /** The message of the program, or of the view. */
  message: string;
  viewMessage: string;
}

/** Computes the state of the surfaces around and over the body. */
export function screenState(parts: ScreenParts): ScreenState {
  const { view, tabs, overlays, theme, columns, regions, status, side, histogram, message, viewMessage } = parts;
  const { prompt } = overlays;
  return {
    theme,
    top: {
      columns,
      tabs: tabs.count > 1 ? { titles: tabs.titles, at: tabs.at } : undefined,
      title: view.title,
      subtitle: view.subtitle,
    },
    bottom: {
      columns,
      status,
      prompt: prompt && { label: prompt.question.label, hint: prompt.hint, ...prompt.state },
      keys: regions.bottom > 1 ? hintsOf(parts) : undefined,
    },
    side,
    histogram,
    overlay: overlayOf(parts),
    toast: toastState(message || (prompt ? "" : viewMessage), { columns, height: regions.body }),
  };
}

function hintsOf(parts: ScreenParts): KeyHints {
  const { view, tabs, overlays, keymap } = parts;
  if (overlays.dialog) return dialogHints(overlays.dialog.question);
  if (overlays.help !== undefined) return helpHints(view.contexts, pageOf(parts, overlays.help).pages, keymap);
  if (overlays.prompt) return promptHints(overlays.prompt, keymap);
  const isFirst = tabs.count === 1 && tabs.depth === 1;
  return keyHints(view.contexts, keymap, { isFirst, lacks: view.lacks });
}

function overlayOf(parts: ScreenParts): OverlayState | undefined {
  const { overlays, columns, regions } = parts;
  const { dialog, help, prompt } = overlays;
  if (dialog) return dialogState(dialog.question, dialog.isYes, { columns, height: regions.body });
  if (help !== undefined) return helpState(parts, help);
  const choices = prompt?.choices;
  return choices && paletteState(choices, { columns, height: regions.body });
}

function pageOf({ view: { contexts }, keymap, columns, regions }: ScreenParts, wanted: number): HelpPage {
  return helpPage(contexts, { columns, height: regions.body }, wanted, keymap);
}

function helpState(parts: ScreenParts, wanted: number): OverlayState {
  const { contexts } = parts.view;
  const { keymap } = parts;
  const page = pageOf(parts, wanted);
  const keys = turningActions(contexts).map(([context, action]) => keyName(context, action, keymap));
  return { kind: "help", width: helpWidth(page), page, turn: `${keys.join(" and ")} turn it` };
}
