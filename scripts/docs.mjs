// `npm run docs`: writes what is made from the sources: the keys of docs/screen.md from their
// table.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { screenDocs } from "./build/screen-docs.mjs";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
writeFileSync("docs/screen.md", await screenDocs(readFileSync("docs/screen.md", "utf8")));
