// `npm run docs`: generates the tables of keys in docs/screen.md.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { screenDocs } from "./build/screen-docs.mjs";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
writeFileSync("docs/screen.md", await screenDocs(readFileSync("docs/screen.md", "utf8")));
