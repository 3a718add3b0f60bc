import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { anySignal } from "../../src/descriptors/any-signal.ts";
import { deadline } from "../../src/routes/agents/route-error.ts";
import { waitFor } from "../helpers/wait-for.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

test.each<[string, (signal: AbortSignal) => AbortSignal]>([
  ["anySignal()", (signal) => anySignal([signal, AbortSignal.timeout(200)])],
  ["the deadline of an engine request", (signal) => deadline(200, signal)],
])("%s aborts at its timeout, also after a garbage collection", async (_, make) => {
  const { signal } = new AbortController();
  let reason: unknown;
  const listen = (any: AbortSignal) => any.addEventListener("abort", () => (reason = any.reason), { once: true });
  listen(make(signal));
  await waitFor("the timeout", () => {
    collectGarbage();
    return reason !== undefined;
  });
  expect(reason).toMatchObject({ name: "TimeoutError" });
});
