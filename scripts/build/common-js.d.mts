import type { Metafile, transform } from "esbuild";

type Output = Pick<Metafile["outputs"][string], "imports" | "exports" | "entryPoint">;

export function toCommonJs(outputs: Record<string, Output>, using: typeof transform, library: string[]): Promise<void>;
