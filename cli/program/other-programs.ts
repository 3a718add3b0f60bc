/** Commands of other programs, and what does the same here. */
const elsewhere: Record<string, (name: string) => string> = {
  logs: (name) => `porthole tail -F ${name}:@logs`,
  exec: (name) => `porthole shell ${name} -- COMMAND`,
  top: (name) => `porthole ps ${name}`,
  less: (name) => `porthole open ${name}:/PATH`,
  rg: (name) => `porthole grep PATTERN ${name}:/PATH`,
};

/**
 * Returns what does the same as an unknown command: `logs` becomes `porthole tail -F web:@logs`.
 */
export function ownCommand([command = "", ...rest]: readonly string[]): string | undefined {
  const named = rest.find((arg) => /^[A-Za-z0-9][\w.-]*$/.test(arg));
  return Object.hasOwn(elsewhere, command) ? elsewhere[command]?.(named ?? "CONTAINER") : undefined;
}
