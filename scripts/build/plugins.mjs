// esbuild plugins that exclude unreachable code from the bundle.

/**
 * Commander loads node:child_process, and with it streams and sockets, for commands that are
 * programs of their own. There are none here.
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
 * dockerode loads gRPC for BuildKit and an SSH client, four fifths of its code and of its loading
 * time. Neither is reachable from here: only engines at Unix sockets are spoken to, and no image is
 * built.
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
 * Of koffi only the native part is a package of ours at run time, one for each architecture:
 * nothing then has an install script, and starting reads a few files less. What koffi's own loader
 * adds to it are old names, which nothing here calls.
 */
export const nativeKoffi = {
  name: "native-koffi",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, () => ({ path: "koffi", namespace: "native" }));
    build.onLoad({ filter: /./, namespace: "native" }, () => ({
      contents: `
        const name = "@koromix/koffi-linux-" + process.arch;
        // Elsewhere libc.ts says what is wrong.
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

/** Of Ink's development mode, which wants react-devtools-core. */
export const noDevtools = {
  name: "no-devtools",
  setup(build) {
    build.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: "nothing" }));
    build.onLoad({ filter: /./, namespace: "nothing" }, () => ({ contents: "export default undefined;" }));
  },
};
