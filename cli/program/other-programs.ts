/** Commands of other programs, and what does the same here. */
const elsewhere: Record<string, (name: string) => string> = {
  logs: (name) => `porthole tail -F ${name}:@logs`,
  exec: (name) => `porthole shell ${name} -- COMMAND`,
  attach: (name) => `porthole tail -F ${name}:@logs`,
  sh: (name) => `porthole shell ${name}`,
  bash: (name) => `porthole shell ${name}`,
  debug: (name) => `porthole shell ${name}`,
  top: (name) => `porthole ps ${name}`,
  df: (name) => `porthole ps --disk ${name}`,
  du: (name) => `porthole ls -dhS --total '${name}:/*'`,
  less: (name) => `porthole open ${name}:/PATH`,
  more: (name) => `porthole open ${name}:/PATH`,
  vi: (name) => `porthole open ${name}:/PATH`,
  vim: (name) => `porthole open ${name}:/PATH`,
  view: (name) => `porthole open ${name}:/PATH`,
  zcat: (name) => `porthole cat --decompress ${name}:/PATH`,
  rg: (name) => `porthole grep PATTERN ${name}:/PATH`,
  tree: (name) => `porthole find ${name}:/`,
  containers: () => "porthole, without a command",
};

/**
 * Returns what does the same as an unknown command: `logs` becomes `porthole tail -F web:@logs`.
 */
export function ownCommand([command = "", ...rest]: readonly string[]): string | undefined {
  const named = rest.map((arg) => /^([A-Za-z0-9][\w.-]*)(:\/.*)?$/.exec(arg)?.[1]).find((name) => name !== undefined);
  return Object.hasOwn(elsewhere, command) ? elsewhere[command]?.(named ?? "CONTAINER") : undefined;
}

/** Options of other programs' commands, and what does the same here. */
const options: Record<string, Record<string, string>> = {
  tail: {
    "--tail": "write -n NUMBER",
    "--timestamps": "--json prints the times",
    "-t": "--json prints the times",
  },
  cat: Object.fromEntries(
    ["-n", "-A", "-b", "-e", "-s", "-v"].map((one) => [one, `write porthole cat TARGET | cat ${one}`]),
  ),
  cp: { "-n": "leave it out: existing files are kept without -f" },
  ps: { "-e": "leave it out: all processes are listed", "-ef": "leave it out: all processes are listed" },
};

/** Returns what to write for an option of another program; undefined for any other option. */
export function ownOption(command: string, option: string): string | undefined {
  const known = Object.hasOwn(options, command) ? options[command] : undefined;
  return known !== undefined && Object.hasOwn(known, option) ? known[option] : undefined;
}
