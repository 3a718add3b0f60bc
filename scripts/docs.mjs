// `npm run docs`: writes what is made from the sources: docs/api.md from the doc comments, the keys of docs/screen.md from their table.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { apiDocs } from "./build/api-docs.mjs";
import { library } from "./build/bundle.mjs";
import { screenDocs } from "./build/screen-docs.mjs";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
writeFileSync("docs/api.md", apiDocs("dist/types", library));
writeFileSync("docs/screen.md", await screenDocs(readFileSync("docs/screen.md", "utf8")));
