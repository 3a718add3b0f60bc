import { describe, expect, it } from "vitest";
import { commonBeginning, PromptLine } from "../../cli/tui/app/prompt/prompt-line.ts";
import { KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import type { PromptRequest } from "../../cli/tui/view/view.ts";

function line(question: Partial<PromptRequest> = {}, before: string[] = []) {
  const answers: string[] = [];
  const done = (text: string) => answers.push(text);
  const prompt = new PromptLine({ label: ":", enter: "accept", done, ...question }, before, KEYMAP, () => undefined);
  const press = (...keys: string[]) => keys.map((key) => prompt.take({ kind: "key", key })).at(-1);
  return { prompt, press, answers };
}

describe("PromptLine", () => {
  it("reports every change, the answer, and a cancellation", () => {
    const heard: string[] = [];
    const { press, answers } = line({ changed: (text) => heard.push(text), cancelled: () => heard.push("cancelled") });
    press("a", "b", "left", "backspace");
    expect(press("enter")).toBe(true);
    expect([heard, answers]).toEqual([["a", "ab", "b"], ["b"]]);
    const other = line({ cancelled: () => heard.push("cancelled") });
    expect(other.press("x", "escape")).toBe(true);
    expect([heard.at(-1), other.answers]).toEqual(["cancelled", []]);
  });

  it("keeps a refused line, shows the reason until the next key, and accepts a corrected line", () => {
    const check = (text: string) => (text.endsWith("(") ? "missing )" : undefined);
    const { prompt, press, answers } = line({ check });
    expect(press("a", "(", "enter")).toBe(false);
    expect([prompt.text, prompt.hint, answers]).toEqual(["a(", "missing )", []]);
    press("backspace");
    expect(prompt.hint).toBe("");
    expect(press("enter")).toBe(true);
    expect(answers).toEqual(["a"]);
  });

  it("completes to the common prefix, then cycles through the candidates", async () => {
    const { prompt, press } = line({
      complete: async (text) => ["/var/lib/", "/var/log/"].filter((one) => one.startsWith(text)),
    });
    press("/", "v", "tab");
    await Promise.resolve();
    await Promise.resolve();
    expect([prompt.text, prompt.hint]).toEqual(["/var/l", "lib/  log/"]);
    press("tab");
    expect([prompt.text, prompt.hint]).toEqual(["/var/lib/", "[lib/]  log/"]);
    press("tab");
    expect(prompt.text).toBe("/var/log/");
    press("x");
    expect([prompt.text, prompt.hint]).toEqual(["/var/log/x", ""]);
  });

  it("drops a completion that arrives after further typing", async () => {
    let answer: (all: string[]) => void = () => undefined;
    const { prompt, press } = line({
      complete: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    press("a", "tab", "b");
    answer(["abc"]);
    await Promise.resolve();
    await Promise.resolve();
    expect(prompt.text).toBe("ab");
  });

  it("requests candidates once while Tab is held, and cancels the request after further typing", async () => {
    const asked: AbortSignal[] = [];
    const { press } = line({
      complete: (_text, signal) => {
        asked.push(signal);
        return new Promise(() => undefined);
      },
    });
    const aborted = () => asked.map((signal) => signal.aborted);
    press("a", "tab", "tab", "left", "tab");
    expect(aborted()).toEqual([false]);
    press("b", "tab", "tab");
    expect(aborted()).toEqual([true, false]);
    press("escape");
    expect(aborted()).toEqual([true, true]);
  });

  it("shows as many candidates as fit in a row, including the chosen candidate", async () => {
    const all = Array.from({ length: 1000 }, (_, index) => `n${1000 + index}`);
    const { prompt, press } = line({ complete: async () => all });
    press("tab");
    await Promise.resolve();
    await Promise.resolve();
    expect(prompt.hint.split("  ")).toEqual(all.slice(0, 100));
    press(...Array.from({ length: 500 }, () => "tab"));
    expect(prompt.hint.split("  ").at(-1)).toBe("[n1499]");
  });

  it("recalls earlier lines and the unfinished line", () => {
    const before: string[] = [];
    line({}, before).press("o", "n", "e", "enter");
    line({}, before).press("t", "w", "o", "enter");
    const { prompt, press } = line({}, before);
    press("x", "up");
    expect(prompt.text).toBe("two");
    press("up", "up");
    expect(prompt.text).toBe("one");
    press("down", "down");
    expect(prompt.text).toBe("x");
    expect(before).toEqual(["two", "one"]);
  });
});

it("commonPrefix returns the common prefix of all candidates", () => {
  expect(commonBeginning(["abc", "abd", "ab"])).toBe("ab");
  expect(commonBeginning(["x"])).toBe("x");
  expect(commonBeginning([])).toBe("");
});
