import { addMountTable, canClassifyRoot, hasOverlayFromInside } from "../../descriptors/files/file-system.ts";
import { startTime } from "../../descriptors/process.ts";
import type { RunningContainer } from "../../engines/containers/container-state.ts";
import type { ImageLayer } from "../../engines/layers/image-layers.ts";
import type { LayerRole, MissingPath } from "../../engines/layers/layers.ts";
import { PortholeError } from "../../errors.ts";
import type { AgentRecord } from "../../routes/agents/agent-record.ts";
import type { Attachment } from "../../routes/agents/attachment.ts";
import { type OfflineKind, offlineKindOf, readRecord, routeOf } from "../../routes/agents/registry.ts";
import { reasonMissing } from "../interface/missing-path.ts";
import type { AgentTrust } from "./check-received.ts";

/**
 * An agent's target according to the host's own record. Claims of the agent are not used, because
 * they are unverified.
 */
export class AgentTarget {
  /** Container name, or `pid:N`. */
  readonly name: string;
  readonly offline: OfflineKind | undefined;
  readonly trust: AgentTrust;
  readonly #attached: Attachment;
  #absent: readonly MissingPath[] | undefined;
  #described: Promise<ImageLayer[]> | undefined;
  #relays: { all: boolean; lazy: boolean } | undefined;

  constructor(name: string, attached: Attachment) {
    this.name = name;
    this.#attached = attached;
    this.offline = offlineKindOf(attached.file);
    // An agent of an offline target shares nothing with a process of the target.
    const isOurs = routeOf(attached.file) === "direct" || this.offline !== undefined;
    this.trust = isOurs ? "own process" : "stranger";
  }

  /** The running container as its engine described it when the session was made. */
  get container(): RunningContainer | undefined {
    return this.#attached.container;
  }

  /** True if the target was a process of this machine that has ended. */
  get hasEnded(): boolean {
    const { targetPid = 0 } = this.#record ?? {};
    return targetPid > 0 && startTime(targetPid) === undefined;
  }

  /** False for a process, an image and a volume: no engine stores output of those. */
  get isContainer(): boolean {
    if (this.offline !== undefined) return this.offline === "stopped";
    return (this.#record?.engine ?? "") !== "";
  }

  /** Why `path` cannot exist; undefined if it may exist. */
  whyMissing(path: string): string | undefined {
    if (this.offline === undefined) return undefined;
    this.#absent ??= this.#record?.absent ?? [];
    return reasonMissing(this.#absent, path);
  }

  /** @throws PortholeError TARGET (ESRCH) for an image, a volume or a stopped container */
  requireProcesses(): void {
    if (this.offline === undefined) return;
    const what = this.offline === "stopped" ? "the container is not running" : `${this.offline}s do not run`;
    throw new PortholeError("TARGET", `'${this.name}' has no processes: ${what}`, { errno: "ESRCH" });
  }

  /** Roles of the root's layers, uppermost first; empty if the agent does not know them. */
  get layers(): readonly LayerRole[] {
    return this.#record?.layers ?? [];
  }

  /** Returns the image's layers as the engine describes them; empty if the engine does not. */
  imageLayers(): Promise<ImageLayer[]> {
    this.#described ??= this.#askForLayers().catch(() => []);
    return this.#described;
  }

  /**
   * Determines which files the agent must relay. `all`: all files, because this machine cannot
   * check the descriptors of an untrusted agent, or the root's overlay. `lazy`: files of the
   * target's layers, which may wait for a program.
   */
  get relays(): { all: boolean; lazy: boolean } {
    this.#relays ??= this.#findRelays();
    return this.#relays;
  }

  get #record(): AgentRecord | undefined {
    return readRecord(this.#attached.run, this.#attached.file);
  }

  async #askForLayers(): Promise<ImageLayer[]> {
    const record = this.#record;
    if (record === undefined || record.engine === "") return [];
    const { imageLayerList } = await import("../../engines/layers/image-layers.ts");
    return imageLayerList(record.engine, { id: record.identity, isImage: this.offline === "image" });
  }

  #findRelays() {
    const { targetPid: pid = 0, engine = "", lazyDriver } = this.#record ?? {};
    addMountTable(pid);
    const lazy = lazyDriver !== undefined;
    const isUnchecked = this.trust === "stranger" ? !canClassifyRoot(pid) : engine === "" && hasOverlayFromInside(pid);
    return { all: lazy || isUnchecked, lazy };
  }
}
