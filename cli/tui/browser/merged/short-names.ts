/** A file, with the name of its container (empty on this machine) and its path. */
export interface Named {
  container: string;
  path: string;
  /** Address of the container's engine, if it is known. */
  engine?: string | undefined;
}

/**
 * Returns the shortest distinct names for these files. If each container has one file, its name is
 * enough. Within one container, the ends of the paths are used. Otherwise a name consists of both
 * parts. If several engines have the container, its name begins with the engine: `podman!web`.
 */
export function shortNames(all: readonly Named[]): string[] {
  const files = withEngines(all);
  const containers = new Set(files.map(({ container }) => container));
  const names = files.map((file) => {
    const siblings = files.filter(({ container }) => container === file.container);
    if (siblings.length === 1 && file.container !== "") return file.container;
    const end = shortestEnd(file.path, siblings);
    return containers.size === 1 || file.container === "" ? end : `${file.container}:${end}`;
  });
  // A name may be equal to the end of a path.
  return new Set(names).size === names.length ? names : files.map(fullName);
}

function withEngines(files: readonly Named[]): readonly Named[] {
  return files.map((file) => {
    const engines = new Set(
      files.flatMap(({ container, engine }) => (container === file.container && engine !== undefined ? engine : [])),
    );
    if (engines.size < 2 || file.engine === undefined) return file;
    const word = engineWord(file.engine);
    const isDistinct = [...engines].every((other) => other === file.engine || engineWord(other) !== word);
    return { ...file, container: `${isDistinct ? word : file.engine}!${file.container}` };
  });
}

/** Returns the engine's name from its address: `podman` from `unix:///run/podman/podman.sock`. */
function engineWord(address: string): string {
  return /([^/]+?)(?:\.sock)?$/.exec(address)?.[1] ?? address;
}

/** Returns the container and the path. */
export function fullName({ container, path }: Named): string {
  return container === "" ? path : `${container}:${path}`;
}

/** Returns as few last components of the path as no other path ends with. */
function shortestEnd(path: string, siblings: readonly Named[]): string {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count++) {
    const end = parts.slice(-count).join("/");
    const same = siblings.filter((one) => `/${one.path}`.endsWith(`/${end}`));
    if (end !== "" && same.length <= 1) return end;
  }
  return path;
}
