import { writeSync } from "node:fs";

const SIGNALS: readonly string[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/**
 * Ties this process to its standard input, the connection from `kubectl porthole`. Its end is the
 * end of the client; each line is the name of a signal. kubectl exec passes no signals, and a
 * runtime lets a program run on after its client has gone. The last line on standard error is the
 * status: without it, the client knows that the connection was lost.
 */
export function obeyInput(): void {
  let text = "";
  process.stdin.setEncoding("latin1");
  process.stdin.on("data", (piece: string) => {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const name of lines) if (SIGNALS.includes(name)) process.kill(process.pid, name as NodeJS.Signals);
  });
  for (const event of ["end", "error"]) process.stdin.on(event, () => process.kill(process.pid, "SIGHUP"));
  // Only the command keeps the process alive.
  (process.stdin as { unref?: () => void }).unref?.();
  process.on("exit", (status) => {
    try {
      writeSync(2, `porthole: __ended ${status}\n`);
    } catch {}
  });
}
