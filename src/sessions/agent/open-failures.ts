import { PortholeError } from "../../errors.ts";
import type { AgentInfo } from "../../protocol/agent-info.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { consumingError } from "../interface/consuming.ts";
import {
  deniedOnMountRouteError,
  notRelayedError,
  ownDescriptorError,
  ownStream,
  unfollowedLinkError,
} from "../interface/explanations.ts";
import { followLinks } from "../interface/follow-links.ts";
import { missingHint } from "../interface/missing-path.ts";
import { streamNumbered, streamOf } from "../interface/own-output.ts";
import type { AgentTarget } from "./agent-target.ts";

/** Queries the agent about paths of its target. */
export interface PathLookups {
  /** Requests the stat of a path once, without following links of a process. */
  stat(path: string): Promise<FileStat>;
  readlink(path: string): Promise<string>;
}

/** Determines why an agent did not open a path, and where the path leads. */
export class OpenFailures {
  readonly #target: AgentTarget;
  readonly #agent: AgentInfo;
  readonly #lookups: PathLookups;

  constructor(target: AgentTarget, agent: AgentInfo, lookups: PathLookups) {
    this.#target = target;
    this.#agent = agent;
    this.#lookups = lookups;
  }

  /**
   * Resolves links that the agent did not follow. A path that leads to a link of a process is
   * opened by that link's own path.
   * @param what names the request: `cannot open web:/proc/1/root`
   * @throws PortholeError FILE: `error`, or an error that explains it and names the remedy
   */
  async leadsTo(
    what: () => string,
    path: string,
    options: { noFollow?: boolean | undefined },
    error: unknown,
  ): Promise<string> {
    if (!(error instanceof PortholeError) || error.code !== "FILE" || options.noFollow) throw error;
    if (error.errno === "ENOTSUP") throw notRelayedError(what(), await this.#lookups.stat(path), error) ?? error;
    if (error.errno === "ELOOP" || error.errno === "ENOENT") {
      const leadsTo = await followLinks(path, (link) => this.#lookups.readlink(link));
      if (error.errno === "ELOOP" && leadsTo !== path && /^\/proc\/\d+\/(root|cwd|exe|fd\/\d+)(\/|$)/.test(leadsTo))
        return leadsTo;
      throw (
        ownDescriptorError(what(), leadsTo, await this.#outputHint(leadsTo), error) ??
        unfollowedLinkError(what(), leadsTo, error) ??
        error
      );
    }
    throw this.#isDenied(error) ? deniedOnMountRouteError(error, path, await this.#ownerOf(path)) : error;
  }

  /** The error for a descriptor of a process that was not opened. */
  ofProcessFile(path: string, error: unknown): unknown {
    return this.#isDenied(error) ? deniedOnMountRouteError(error, path, undefined) : error;
  }

  /** Adds the reason why a file is missing, if it is known. */
  missing(path: string, error: unknown): unknown {
    if (!(error instanceof PortholeError) || error.errno !== "ENOENT") return error;
    const why = this.#target.whyMissing(path);
    if (why === undefined) return error;
    return new PortholeError("FILE", error.message, {
      errno: error.errno,
      hint: missingHint(why),
      cause: error,
    });
  }

  /** The error for a file that reading would consume. The engine keeps the output of the first process. */
  async consuming(what: string, stat: FileStat): Promise<PortholeError> {
    const stream = this.#target.isContainer ? await streamOf(stat, (path) => this.#lookups.stat(path)) : undefined;
    return consumingError(what, stat, stream && `${this.#target.name}:${stream}`);
  }

  /** True if the container's own rules may have denied the access. */
  #isDenied(error: unknown): error is PortholeError {
    return error instanceof PortholeError && error.errno === "EACCES" && this.#agent.route === "mount";
  }

  /** Returns the owner of a file, unless that is the agent's user. */
  async #ownerOf(path: string): Promise<number | undefined> {
    try {
      const { uid } = await this.#lookups.stat(path);
      return uid === this.#agent.uid ? undefined : uid;
    } catch {
      return undefined;
    }
  }

  /**
   * Returns a hint about the target that shows the container's output at the end of a path.
   * Undefined if no engine stores the output.
   */
  async #outputHint(leadsTo: string): Promise<string | undefined> {
    const number = ownStream(leadsTo);
    if (number === undefined) return undefined;
    if (this.#target.offline === "image") return "only a container of the image has output: CONTAINER:@logs shows it";
    if (!this.#target.isContainer) return undefined;
    return `${this.#target.name}:${await streamNumbered(number, (path) => this.#lookups.stat(path))} shows it`;
  }
}
