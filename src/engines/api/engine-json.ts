import { PortholeError } from "../../errors.ts";

/** A request to an engine, for messages about its response. */
export interface EngineRequest {
  /** The engine's Unix socket. */
  socketPath: string;
  /** Such as `/containers/web/json?size=true`. */
  path: string;
  /** Default: `GET`. */
  method?: string | undefined;
}

/**
 * A value in an engine's JSON response, read with an expected type. A missing or null value is
 * undefined, because engines omit different fields. Any other type is an error.
 */
export class Json {
  readonly #value: unknown;
  readonly #request: EngineRequest;
  /**
   * The enclosing object or list. Only errors need the full name, and a response may have
   * thousands.
   */
  readonly #parent: Json | undefined;
  readonly #key: string | number;

  constructor(value: unknown, request: EngineRequest, parent?: Json, key: string | number = "") {
    this.#value = value ?? undefined;
    this.#request = request;
    this.#parent = parent;
    this.#key = key;
  }

  /**
   * Parses the text of a response.
   * @throws PortholeError TARGET for invalid JSON
   */
  static parse(text: string, request: EngineRequest): Json {
    try {
      return new Json(JSON.parse(text), request);
    } catch {
      throw new Json(text, request).typeError("JSON");
    }
  }

  /**
   * Returns a field of an object. The field of a missing object is missing too.
   * @throws PortholeError TARGET if the whole response is not an object
   */
  get(name: string): Json {
    const object = this.#value;
    if (object === undefined && this.#parent !== undefined) return new Json(undefined, this.#request, this, name);
    if (typeof object !== "object" || object === null || Array.isArray(object)) throw this.typeError("an object");
    const value = Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
    return new Json(value, this.#request, this, name);
  }

  /**
   * The elements of a list; empty if it is missing.
   * @throws PortholeError TARGET if the whole response is not a list
   */
  list(): Json[] {
    if (this.#value === undefined && this.#parent !== undefined) return [];
    if (!Array.isArray(this.#value)) throw this.typeError("a list");
    return this.#value.map((value, index) => new Json(value, this.#request, this, index));
  }

  /** @throws PortholeError TARGET for another type, or a string that is too long */
  text(): string | undefined {
    if (this.#value === undefined) return undefined;
    if (typeof this.#value !== "string") throw this.typeError("a string");
    if (this.#value.length > MAX_TEXT) throw this.typeError(`a string of at most ${MAX_TEXT} characters`);
    return this.#value;
  }

  /** @throws PortholeError TARGET for another type */
  flag(): boolean | undefined {
    if (this.#value === undefined || typeof this.#value === "boolean") return this.#value;
    throw this.typeError("true or false");
  }

  /** @throws PortholeError TARGET for a value that is not an integer of 32 bits */
  whole(): number | undefined {
    if (this.#value === undefined) return undefined;
    if (typeof this.#value === "number" && (this.#value | 0) === this.#value) return this.#value;
    throw this.typeError("a whole number");
  }

  /**
   * Returns a number, which may have more than 32 bits, such as a size. Throws TARGET for a value
   * that is not a number.
   */
  number(): number | undefined {
    if (this.#value === undefined || typeof this.#value === "number") return this.#value;
    throw this.typeError("a number");
  }

  /** Throws TARGET if the value is missing or not a full container id. */
  containerId(): string {
    if (typeof this.#value === "string" && isFullId(this.#value)) return this.#value;
    throw this.typeError("an id of 64 hexadecimal digits");
  }

  /**
   * The fields of an object of strings; empty if it is missing.
   * @throws PortholeError TARGET for another type
   */
  record(): Record<string, string> {
    if (this.#value === undefined) return {};
    const names = Object.keys(this.object());
    return Object.fromEntries(names.map((name) => [name, this.get(name).text() ?? ""]));
  }

  /** The string fields of an object, of any length; skips fields of other types. */
  texts(): ReadonlyMap<string, string> {
    const object = typeof this.#value === "object" && this.#value !== null ? this.#value : {};
    return new Map(Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  }

  /**
   * The raw object.
   * @throws PortholeError TARGET for another type, or if it is missing
   */
  object(): object {
    if (typeof this.#value === "object" && this.#value !== null && !Array.isArray(this.#value)) return this.#value;
    throw this.typeError("an object");
  }

  /** The error for a value that is not `wanted`. */
  typeError(wanted: string): PortholeError {
    const { socketPath, path, method = "GET" } = this.#request;
    const what = this.#field() || "the response";
    return new PortholeError(
      "TARGET",
      `the engine at ${socketPath} sent an invalid response to ${method} ${path.replace(/\?.*/s, "")}: ${what} is ${shown(this.#value)}, not ${wanted}`,
      { hint: "check that it is Docker's or Podman's socket, or name another with --engine or DOCKER_HOST" },
    );
  }

  /** Path of the field, such as `Mounts[0].Source`; empty for the whole response. */
  #field(): string {
    const above = this.#parent === undefined ? "" : this.#parent.#field();
    if (typeof this.#key === "number") return `${above}[${this.#key}]`;
    return above === "" ? this.#key : `${above}.${this.#key}`;
  }
}

/** True for a full container id. With a live agent for it, no request to the engine is needed. */
export function isFullId(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/**
 * Returns the start of a string, or the type of a compound value, so that the message is one line.
 */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return String(value);
  return value.length > MAX_SHOWN ? `${JSON.stringify(value.slice(0, MAX_SHOWN))}...` : JSON.stringify(value);
}

/**
 * Maximum characters of a string in a message, and of any string. The longest legitimate strings
 * are paths.
 */
const [MAX_SHOWN, MAX_TEXT] = [40, 65_536];
