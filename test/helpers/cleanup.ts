const all = new Set<() => Promise<void>>();

/**
 * Registers a function that stops the processes and removes the files of a helper. It is called
 * after each test file (each-file.ts). A helper's own `afterAll` would be called only after the
 * first file if one process runs several.
 */
export function afterEachFile(cleanUp: () => Promise<void>): void {
  all.add(cleanUp);
}

/** Calls the registered functions in turn, the newest first: users of a program end before it. */
export async function cleanUp(): Promise<void> {
  for (const each of [...all].reverse()) await each();
}
