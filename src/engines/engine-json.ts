import { PortholeError } from "../errors.ts";

/** A question to an engine, for messages about its answer. */
export interface EngineRequest {
  /** The engine's Unix socket. */
  socketPath: string;
  /** Such as `/containers/web/json?size=true`. */
  path: string;
  /** `GET` without it. */
  method?: string | undefined;
}

/**
 * A value of the JSON that an engine answered with. It is read with the type that it has to have: what is missing or null is undefined, for engines leave
 * out different fields; anything else that is not of that type is refused.
 */
export class Json {
  readonly #value: unknown;
  readonly #request: EngineRequest;
  readonly #field: string;

  constructor(value: unknown, request: EngineRequest, field = "") {
    this.#value = value ?? undefined;
    this.#request = request;
    this.#field = field;
  }

  /** A field of an object; a missing one where there is no object. Throws TARGET for a whole answer that is none. */
  get(name: string): Json {
    const object = this.#value;
    if (object === undefined && this.#field !== "") return new Json(undefined, this.#request, this.#under(name));
    if (typeof object !== "object" || object === null || Array.isArray(object)) throw this.typeError("an object");
    const value = Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
    return new Json(value, this.#request, this.#under(name));
  }

  /** The elements of a list; none of a missing one. Throws TARGET for a whole answer that is none. */
  list(): Json[] {
    if (this.#value === undefined && this.#field !== "") return [];
    if (!Array.isArray(this.#value)) throw this.typeError("a list");
    return this.#value.map((value, index) => new Json(value, this.#request, `${this.#field}[${index}]`));
  }

  /** Throws TARGET for what is no string, and for one that no line could show. */
  text(): string | undefined {
    if (this.#value === undefined) return undefined;
    if (typeof this.#value !== "string") throw this.typeError("a string");
    if (this.#value.length > MAX_TEXT) throw this.typeError(`a string of at most ${MAX_TEXT} characters`);
    return this.#value;
  }

  /** Throws TARGET for what is not true or false. */
  flag(): boolean | undefined {
    if (this.#value === undefined || typeof this.#value === "boolean") return this.#value;
    throw this.typeError("true or false");
  }

  /** Throws TARGET for what is no whole number of 32 bits. */
  whole(): number | undefined {
    if (this.#value === undefined) return undefined;
    if (typeof this.#value === "number" && (this.#value | 0) === this.#value) return this.#value;
    throw this.typeError("a whole number");
  }

  /** Throws TARGET for what is no full id of a container, or missing. */
  containerId(): string {
    if (typeof this.#value === "string" && isFullId(this.#value)) return this.#value;
    throw this.typeError("an id of 64 hexadecimal digits");
  }

  /** The fields of an object of texts by their names; none of a missing one. Throws TARGET for what is none. */
  record(): Record<string, string> {
    if (this.#value === undefined) return {};
    const names = Object.keys(this.object());
    return Object.fromEntries(names.map((name) => [name, this.get(name).text() ?? ""]));
  }

  /** The texts of an object by their names, whatever their length; what is of another type is left out. */
  texts(): ReadonlyMap<string, string> {
    const object = typeof this.#value === "object" && this.#value !== null ? this.#value : {};
    return new Map(Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  }

  /** An object, as it is. Throws TARGET for what is none, or missing. */
  object(): object {
    if (typeof this.#value === "object" && this.#value !== null && !Array.isArray(this.#value)) return this.#value;
    throw this.typeError("an object");
  }

  /** What to say of a value that is not what it has to be. */
  typeError(wanted: string): PortholeError {
    const { socketPath, path, method = "GET" } = this.#request;
    const what = this.#field === "" ? "the answer" : this.#field;
    return new PortholeError(
      "TARGET",
      `the engine at ${socketPath} does not answer ${method} ${path.replace(/\?.*/s, "")} as Docker does: ${what} is ${shown(this.#value)}, not ${wanted}`,
      { hint: "is that Docker's or Podman's socket? Name another with --engine or DOCKER_HOST" },
    );
  }

  #under(name: string): string {
    return this.#field === "" ? name : `${this.#field}.${name}`;
  }
}

/** A full container id: the engine need not be asked when an agent for it lives. */
export function isFullId(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Of a text its beginning, of what has parts its kind: a line has to hold it. */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return String(value);
  return value.length > MAX_SHOWN ? `${JSON.stringify(value.slice(0, MAX_SHOWN))}...` : JSON.stringify(value);
}

/** Characters of a text that are shown, and that it may have: the longest that an engine has reason for is a path. */
const [MAX_SHOWN, MAX_TEXT] = [40, 65_536];
