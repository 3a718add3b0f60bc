import type { Plugin } from "esbuild";

export const lateUnicode: Plugin;
