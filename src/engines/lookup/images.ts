import { PortholeError } from "../../errors.ts";
import { askEngines, NotFoundError } from "../api/ask-engines.ts";
import {
  commandOf,
  type Engine,
  type EngineResponse,
  engineGet,
  engines,
  errorMessageOf,
  namesInEngines,
  refusedBy,
} from "../api/engine.ts";
import { Json } from "../api/engine-json.ts";
import { distance } from "../containers/similar-names.ts";
import { imageLayers, type Layers } from "../layers/layers.ts";

/** An image of an engine. */
export interface Image {
  engine: Engine;
  /** 64 hexadecimal digits. */
  id: string;
  /** The name in the request. */
  name: string;
  isPodman: boolean;
  layers: Layers;
}

/**
 * Finds an image by name, with or without tag or digest, or by id. Does not pull.
 * @throws PortholeError TARGET if no engine has it, with similar names; CANCELLED through the
 * signal
 */
export async function resolveImage(name: string, explicit: string | undefined, signal?: AbortSignal): Promise<Image> {
  try {
    const { engine, answer } = await askEngines("image", name, explicit, (asked) => inspect(asked, name, signal));
    return { engine, ...answer };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw await notHere(name, explicit, signal);
  }
}

/** Names of the images of every engine that responds, without `<none>`. */
export async function imageNames(
  explicit: string | undefined,
  options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  return namesInEngines(explicit, (engine) => listed(engine, options));
}

async function inspect(
  engine: Engine,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Omit<Image, "engine"> | undefined> {
  const answer = await engineGet(engine, `/images/${encodeURI(name)}/json`, { signal });
  if (answer.status === 404 || isNoName(answer)) return undefined;
  if (answer.status !== 200) throw refusedBy(engine, answer, `inspect image '${name}'`);
  const json = new Json(answer.body, answer.request);
  const id = json.get("Id");
  const digits = /^(?:sha256:)?([0-9a-f]{64})$/.exec(id.text() ?? "")?.[1];
  if (digits === undefined) throw id.typeError("an id of 64 hexadecimal digits");
  return { id: digits, name, isPodman: answer.isPodman, layers: imageLayers(json, digits, answer.isPodman) };
}

/** True if the engine reports an invalid image name; each engine has its own status for it. */
function isNoName(answer: EngineResponse): boolean {
  return (
    answer.status >= 400 && /invalid reference format|image not known|no such image/i.test(errorMessageOf(answer) ?? "")
  );
}

async function listed(
  engine: Engine,
  options: { timeoutMs?: number; signal?: AbortSignal | undefined },
): Promise<string[]> {
  const { status, body, request } = await engineGet(engine, "/images/json", options);
  if (status !== 200) return [];
  const tags = new Json(body, request).list().flatMap((image) => image.get("RepoTags").list());
  return tags.map((tag) => tag.text() ?? "").filter((tag) => tag !== "" && !tag.includes("<none>"));
}

async function notHere(
  name: string,
  explicit: string | undefined,
  signal: AbortSignal | undefined,
): Promise<PortholeError> {
  const near = similarNames(name, await imageNames(explicit, { signal }));
  const text = near.length === 0 ? "" : `; similar images: ${near.join(", ")}`;
  const pull = `run ${commandOf(engines(explicit))} pull ${name}`;
  return new PortholeError("TARGET", `no such image: '${name}'${text}`, {
    hint: near.length === 0 ? pull : `name one of them, or ${pull}`,
  });
}

/** Maximum number of similar names. */
const MAX_NEAR = 5;

/**
 * Finds names similar to `name`: other tags of the same repository, nearest first. If there are
 * none, finds repositories whose last part is equal or differs by one or two letters.
 */
function similarNames(name: string, all: readonly string[]): string[] {
  const wanted = split(name);
  const others = all.map((one) => ({ one, ...split(one) }));
  const same = others.filter(({ repository }) => repository === wanted.repository);
  const alike = others.filter(({ base }) => distance(base, wanted.base) <= Math.min(2, (wanted.base.length - 1) >> 1));
  const tagDistance = ({ tag }: { tag: string }) => distance(tag, wanted.tag);
  return (same.length > 0 ? same : alike)
    .sort((a, b) => tagDistance(a) - tagDistance(b) || (a.one < b.one ? -1 : 1))
    .slice(0, MAX_NEAR)
    .map(({ one }) => one);
}

/**
 * Splits a name: `localhost:5000/team/web:1.2@sha256:...` has the last part `web` and the tag
 * `1.2`.
 */
function split(name: string): { repository: string; base: string; tag: string } {
  const [, repository = name, tag = "latest"] = /^(.*?)(?::([^/:@]+))?(?:@.*)?$/s.exec(name) ?? [];
  return { repository, base: repository.slice(repository.lastIndexOf("/") + 1), tag };
}
