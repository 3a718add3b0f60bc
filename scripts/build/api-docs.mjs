import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
// Pinned exactly, as TypeScript 7's interface for programs is not promised to stay.
import { API } from "typescript/unstable/sync";

const EXPORT_DECLARATION = 279;

/** Describes the library's entries from the declarations in `types`: what each exports, with its doc comment and its shape. Returns Markdown. */
export function apiDocs(types, entries) {
  const root = process.cwd();
  mkdirSync("build", { recursive: true });
  const files = Object.values(entries).map((source) => join(root, types, declarationOf(source)));
  writeFileSync(
    "build/api.json",
    JSON.stringify({ compilerOptions: { module: "nodenext", noEmit: true, types: ["node"] }, files }),
  );
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProject: join(root, "build/api.json") }).getProjects();
    const source = (path) => project.program.getSourceFile(path) ?? fail(`no declarations at ${path}`);
    const sections = Object.keys(entries).map((name, index) => section(name, files[index], source));
    return `${HEAD}\n${sections.join("\n")}`;
  } finally {
    api.close();
  }
}

const HEAD = `# The library

Made from the doc comments by \`npm run docs\`; do not edit. Everything runs on Linux only. Failures are \`PortholeError\`s with a stable \`code\`, the kernel's \`errno\` where it
gave one, and often a \`hint\`. Programs that use it are in [examples/](../examples). Types need \`@types/node\`.
`;

function section(name, path, source) {
  const file = source(path);
  const specifier = name === "index" ? "porthole" : `porthole/${name}`;
  const items = [...exported(path, source)].map(
    ([item, { text, doc }]) => `### ${item}\n\n${doc}\n\n\`\`\`ts\n${text}\n\`\`\`\n`,
  );
  const intro = commentBefore(file.text, file.statements[0]);
  return `## ${specifier}\n\n${intro}\n\n${items.join("\n")}`;
}

/** Name to declaration of everything that a file exports by name, in its order. Overloads come together. */
function exported(path, source) {
  const found = new Map();
  for (const statement of source(path).statements) {
    if (statement.kind !== EXPORT_DECLARATION) continue;
    const from = join(dirname(path), statement.moduleSpecifier.text.replace(/\.js$/, ".d.ts"));
    for (const { name, propertyName } of statement.exportClause.elements)
      found.set(name.text, declared((propertyName ?? name).text, from, source));
  }
  return found;
}

/** The declaration of a name in a file, or where that file has it from. */
function declared(name, path, source) {
  const file = source(path);
  const named = file.statements.filter((statement) => namesOf(statement).includes(name));
  if (named.length === 0) return exported(path, source).get(name) ?? fail(`${name} is not declared in ${path}`);
  const text = named.map((statement) => file.text.slice(start(file.text, statement), statement.end)).join("\n");
  return { text: text.replace(/^export (declare )?/gm, ""), doc: commentBefore(file.text, named[0]) };
}

function namesOf({ name, declarationList }) {
  return [name, ...(declarationList?.declarations ?? []).map((each) => each.name)].flatMap((each) => each?.text ?? []);
}

const COMMENTS = /^\s*(?:(?:\/\*[\s\S]*?\*\/|\/\/.*)\s*)*/;

function start(text, statement) {
  return statement.pos + COMMENTS.exec(text.slice(statement.pos, statement.end))[0].length;
}

/** The last doc comment before a statement, as Markdown. */
function commentBefore(text, statement) {
  const comments = text.slice(statement.pos, start(text, statement)).match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  return (comments.at(-1) ?? "")
    .replace(/^\/\*\*|\*\/$/g, "")
    .replace(/^[ \t]*\* ?/gm, "")
    .trim()
    .replace(/\{@link ([^}|]+)\}/g, "`$1`")
    .replace(/^@(\w+) ?/gm, (_, tag) => `\n*${tag}:* `);
}

function declarationOf(source) {
  return source.replace(/^src\//, "").replace(/\.ts$/, ".d.ts");
}

function fail(text) {
  throw new Error(text);
}
