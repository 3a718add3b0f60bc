import fc from "fast-check";
import { expect, it } from "vitest";
import { EMPTY_PROMPT, editPrompt, type PromptResult, type PromptState } from "../../cli/tui/ui/prompt.ts";
import { clusters } from "../../src/text/index.ts";

function type(...keys: string[]): PromptResult {
  let result: PromptResult = { kind: "typing", state: EMPTY_PROMPT };
  for (const key of keys) {
    if (result.kind !== "typing") throw new Error("the prompt is over");
    const event = key.startsWith("paste:")
      ? ({ kind: "paste", text: key.slice(6) } as const)
      : ({ kind: "key", key } as const);
    result = editPrompt(result.state, event);
  }
  return result;
}

const text = (...keys: string[]) => {
  const result = type(...keys);
  if (result.kind !== "typing") return result.kind === "done" ? result.text : result.kind;
  const { characters, cursor } = result.state;
  return `${characters.slice(0, cursor).join("")}|${characters.slice(cursor).join("")}`;
};

it("a prompt edits a line", () => {
  expect(text("a", "b", "left", "c")).toBe("ac|b");
  expect(text("a", "b", "backspace", "c")).toBe("ac|");
  expect(text("a", "b", "home", "delete")).toBe("|b");
  expect(text("a", " ", "b", "c", "ctrl-w")).toBe("a |");
  expect(text("a", "b", "c", "left", "ctrl-u")).toBe("|c");
  expect(text("a", "b", "c", "left", "ctrl-k")).toBe("ab|");
  expect(text("a", "pageup", "alt-x", "up")).toBe("a|");
});

it("a prompt moves and deletes by grapheme cluster", () => {
  expect(text("é", "👩‍👩‍👧‍👦", "left")).toBe("é|👩‍👩‍👧‍👦");
  expect(text("👩‍👩‍👧‍👦", "backspace")).toBe("|");
  expect(text("e", "\u0301", "x", "left", "left", "y")).toBe("y|e\u0301x");
});

it("a prompt removes control characters from pasted text", () => {
  expect(text("paste:a\nb\x1b[A", "c")).toBe("ab[Ac|");
});

it("a prompt ends with Enter, Escape, or Backspace in an empty line", () => {
  expect(text("a", "enter")).toBe("a");
  expect(text("a", "escape")).toBe("cancelled");
  expect(text("backspace")).toBe("cancelled");
});

it("a prompt keeps at most 4,096 characters", () => {
  const full = "x".repeat(4096);
  expect(text(`paste:${"x".repeat(5000)}`, "y", "left", "é", "paste:z")).toBe(`${full.slice(1)}|x`);
  expect(text(...Array.from({ length: 5000 }, () => "x"))).toBe(`${full}|`);
});

it("a prompt has the clusters of its whole text, wherever a character is inserted", () => {
  const character = fc.constantFrom(
    "a",
    " ",
    "e",
    "\u0301",
    "\u200d",
    "👩",
    "👧",
    "🇩",
    "🇪",
    "한",
    "ᄒ",
    "ᅡ",
    "ᆫ",
    "日",
    "क",
    "्",
    "ष",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(character, fc.nat(6)), { maxLength: 14 }), (keys) => {
      let state: PromptState = EMPTY_PROMPT;
      for (const [key, back] of keys) {
        state = { ...state, cursor: Math.max(0, state.characters.length - back) };
        const result = editPrompt(state, { kind: "paste", text: key });
        if (result.kind !== "typing") throw new Error("the prompt is over");
        state = result.state;
        expect(state.characters).toEqual([...clusters(state.characters.join(""))]);
      }
    }),
  );
});
