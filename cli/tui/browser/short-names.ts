/** A file by the name of its container (empty on this machine) and its path. */
export interface Named {
  place: string;
  path: string;
}

/**
 * The shortest distinct names for these files: the container's if each has one file, the ends of
 * the paths within one container, both otherwise.
 */
export function shortNames(files: readonly Named[]): string[] {
  const places = new Set(files.map(({ place }) => place));
  const names = files.map((file) => {
    const siblings = files.filter(({ place }) => place === file.place);
    if (siblings.length === 1 && file.place !== "") return file.place;
    const end = shortestEnd(file.path, siblings);
    return places.size === 1 || file.place === "" ? end : `${file.place}:${end}`;
  });
  // The end of a path may be the name of a container.
  return new Set(names).size === names.length ? names : files.map(fullName);
}

function fullName({ place, path }: Named): string {
  return place === "" ? path : `${place}:${path}`;
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
