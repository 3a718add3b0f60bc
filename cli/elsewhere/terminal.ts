/** The size of the terminal that shows this process's output. */
export function terminalSize(): { columns: number; rows: number } {
  for (const terminal of [process.stdout, process.stderr]) {
    if (!terminal.isTTY) continue;
    const [columns, rows] = terminal.getWindowSize();
    if (columns > 0 && rows > 0) return { columns, rows };
  }
  return { columns: 80, rows: 24 };
}

/** Environment variables that change the output of porthole. */
export function passedVariables(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => PASSED.test(name));
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { TZ: timeZone, ...(Object.fromEntries(kept) as Record<string, string>) };
}

const PASSED =
  /^(TERM|COLORTERM|LANG|LANGUAGE|LC_\w+|TZ|NO_COLOR|FORCE_COLOR|LS_COLORS|GREP_COLORS?|TIME_STYLE|BLOCK_SIZE|QUOTING_STYLE|POSIXLY_CORRECT|PORTHOLE_(IDLE|DEBUG))$/;
