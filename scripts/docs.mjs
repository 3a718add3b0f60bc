// `npm run docs`: writes what is made from the sources: docs/api.md from the doc comments.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { apiDocs } from "./build/api-docs.mjs";
import { library } from "./build/bundle.mjs";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
writeFileSync("docs/api.md", apiDocs("dist/types", library));
