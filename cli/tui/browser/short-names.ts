/** A file by the name of its container (empty on this machine) and its path. */
export interface Named {
  container: string;
  path: string;
}

/**
 * The shortest distinct names for these files: the container's if each has one file, the ends of
 * the paths within one container, both otherwise.
 */
export function shortNames(files: readonly Named[]): string[] {
  const containers = new Set(files.map(({ container }) => container));
  const names = files.map((file) => {
    const siblings = files.filter(({ container }) => container === file.container);
    if (siblings.length === 1 && file.container !== "") return file.container;
    const end = shortestEnd(file.path, siblings);
    return containers.size === 1 || file.container === "" ? end : `${file.container}:${end}`;
  });
  // The end of a path may be the name of a container.
  return new Set(names).size === names.length ? names : files.map(fullName);
}

function fullName({ container, path }: Named): string {
  return container === "" ? path : `${container}:${path}`;
}

/** The fewest last components that no other path ends with. */
function shortestEnd(path: string, siblings: readonly Named[]): string {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count++) {
    const end = parts.slice(-count).join("/");
    const same = siblings.filter((one) => `/${one.path}`.endsWith(`/${end}`));
    if (end !== "" && same.length <= 1) return end;
  }
  return path;
}
