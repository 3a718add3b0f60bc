/** Formats a mode as ls(1) and stat(1) do: `drwxr-xr-x`. `??????????` for 0. */
export function modeText(mode: number): string {
  if (mode === 0) return "??????????";
  const kind = "?pc?d?b?-?l?s???"[mode >> 12] ?? "?";
  return (
    kind +
    triple(mode >> 6, mode & 0o4000, "s") +
    triple(mode >> 3, mode & 0o2000, "s") +
    triple(mode, mode & 0o1000, "t")
  );
}

function triple(bits: number, special: number, letter: string): string {
  const execute = bits & 1 ? (special ? letter : "x") : special ? letter.toUpperCase() : "-";
  return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + execute;
}
