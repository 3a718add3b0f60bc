// esbuild plugins that exclude unreachable code from the bundle.

/**
 * Commander loads node:child_process, which loads streams and sockets, for subcommands that are
 * separate programs. porthole has no such subcommand.
 */
export const lateChildProcess = {
  name: "late-child-process",
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes("/commander/") ? { path, namespace: "late" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "late" }, ({ path }) => ({
      contents: `module.exports = { spawn: (...all) => process.getBuiltinModule(${JSON.stringify(path)}).spawn(...all) };`,
    }));
  },
};

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
 * names, which porthole does not use.
 */
export const nativeKoffi = {
  name: "native-koffi",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, () => ({ path: "koffi", namespace: "native" }));
    build.onLoad({ filter: /./, namespace: "native" }, () => ({
      contents: `
        const name = "@koromix/koffi-linux-" + process.arch;
        // On other systems libc.ts reports the problem.
        const isSupported = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
        try {
          module.exports = isSupported ? require(name) : {};
        } catch (cause) {
          if (cause.code !== "MODULE_NOT_FOUND") throw cause;
          throw new Error(name + " is missing: install porthole again, with optional dependencies", { cause });
        }`,
    }));
  },
};

/** Ink is in a separate file, loaded on demand. */
export const inkApart = {
  name: "ink-apart",
  setup(build) {
    build.onResolve({ filter: /\/ink-surfaces\.tsx$/ }, () => ({ path: "./ink-surfaces.mjs", external: true }));
  },
};

/** Removes Ink's development mode, which requires react-devtools-core. */
export const noDevtools = {
  name: "no-devtools",
  setup(build) {
    build.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: "nothing" }));
    build.onLoad({ filter: /./, namespace: "nothing" }, () => ({ contents: "export default undefined;" }));
  },
};
