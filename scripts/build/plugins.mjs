// esbuild plugins that exclude unreachable code from the bundle.
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

/** `import { name, type Type } from "../room/index.ts"` */
const IMPORT = /^import \{([^}]*)\} from "([^"]+\/index\.ts)";/gm;
const EXPORT = /^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm;

/**
 * Imports from the files that define the names, instead of the index of their room. esbuild decides
 * which chunk a file belongs to before it drops unused exports. So a command that uses one name of
 * an index would load the whole room.
 */
export const pastIndexes = {
  name: "past-indexes",
  setup(build) {
    const indexes = new Map();
    const definitions = (index) => {
      if (!indexes.has(index)) indexes.set(index, readDefinitions(index));
      return indexes.get(index);
    };
    build.onLoad({ filter: /\/(src|cli)\/.*\.tsx?$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(IMPORT, (statement, list, index) => {
        const defined = definitions(resolve(dirname(path), index));
        const names = namesOf(list);
        if (!names.every(({ name }) => defined.has(name))) return statement;
        return names.map((each) => importOf(each, defined.get(each.name), dirname(path))).join(" ");
      }),
      loader: path.endsWith("x") ? "tsx" : "ts",
    }));
  },
};

/** Maps each name of an index to the file that exports it, and its name there. */
function readDefinitions(index) {
  const found = [...readFileSync(index, "utf8").matchAll(EXPORT)].flatMap(([, list, file]) =>
    namesOf(list).map(({ name, alias }) => [alias, { name, file: resolve(dirname(index), file) }]),
  );
  return new Map(found);
}

function namesOf(list) {
  const items = list.split(",").map((item) => item.trim());
  return items.filter(Boolean).map((item) => {
    const [name, alias = name] = item.replace(/^type /, "").split(" as ");
    return { name, alias, isType: item.startsWith("type ") };
  });
}

function importOf({ alias, isType }, { name, file }, directory) {
  return `import { ${isType ? "type " : ""}${name} as ${alias} } from ${JSON.stringify(`./${relative(directory, file)}`)};`;
}

/**
 * dockerode loads gRPC for BuildKit and an SSH client, which are four fifths of its code and
 * loading time. porthole uses neither: it connects only to Unix sockets, and builds no image.
 */
export const unixSocketsOnly = {
  name: "unix-sockets-only",
  setup(build) {
    build.onResolve({ filter: /^(@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|ssh2)$/ }, ({ path, importer }) =>
      /\/(dockerode|docker-modem)\//.test(importer) ? { path, namespace: "unreachable" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "unreachable" }, () => ({ contents: "module.exports = {};" }));
  },
};

/**
 * At run time, only koffi's native part is a dependency, one package per architecture. So no
 * package has an install script, and a start reads fewer files. koffi's own loader only adds old
 * names, which porthole does not use. The package's loader takes 3 ms to select the file for the C
 * library, so it runs only if Node does not use glibc's dynamic linker.
 */
export const nativeKoffi = {
  name: "native-koffi",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, () => ({ path: "koffi", namespace: "native" }));
    build.onLoad({ filter: /./, namespace: "native" }, () => ({
      contents: `
        import { closeSync, openSync, readSync } from "node:fs";
        const name = "@koromix/koffi-linux-" + process.arch;
        const native = name + "/linux_" + process.arch + "/koffi.node";
        const usesGlibc = () => {
          const head = Buffer.allocUnsafe(4096);
          const file = openSync(process.execPath);
          const length = readSync(file, head);
          closeSync(file);
          return head.latin1Slice(0, length).includes("/ld-linux-");
        };
        // Where npm installs it for a global package. Node's search would take another 0.3 ms.
        const loadBeside = () => {
          const loaded = { exports: {} };
          process.dlopen(loaded, __dirname + "/../node_modules/" + native);
          return loaded.exports;
        };
        const attempts = [loadBeside, () => require(native)];
        const load = () => {
          if (usesGlibc())
            for (const attempt of attempts)
              try {
                return attempt();
              } catch {}
          return require(name);
        };
        // On other systems libc.ts reports the problem.
        const isSupported = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
        const loadOrExplain = () => {
          try {
            return isSupported ? load() : {};
          } catch (cause) {
            if (cause.code !== "MODULE_NOT_FOUND") throw cause;
            throw new Error(name + " is missing: install porthole again, with optional dependencies", { cause });
          }
        };
        export default loadOrExplain();`,
    }));
  },
};

/** Ink is in a separate file, loaded on demand. */
export const inkApart = {
  name: "ink-apart",
  setup(build) {
    build.onResolve({ filter: /\/ink-surfaces\.tsx$/ }, () => ({ path: "./ink-surfaces.js", external: true }));
  },
};
