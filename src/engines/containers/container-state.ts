import type { PortholeError } from "../../errors.ts";
import type { Engine } from "../api/engine-address.ts";
import type { Layers } from "../layers/layers.ts";

/** A running container. One request returns everything needed to choose and use a route. */
export interface RunningContainer {
  engine: Engine;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** State.StartedAt: distinguishes runs of one container. */
  startedAt: string;
  /** Host pid of its first process. */
  pid: number;
  paused: boolean;
  /** HostConfig.PidMode: empty, `host`, or `container:ID`. */
  pidMode: string;
  usernsMode: string;
  /** HostConfig.Runtime: `runc`, `crun`, `runsc`; empty if missing. */
  runtime: string;
  privileged: boolean;
  /** True if the engine is Podman. */
  isPodman: boolean;
  /** Newest version of Docker's API that the engine supports, such as 1.41; empty if unknown. */
  apiVersion: string;
  /** Device settings of HostConfig, passed on to a sidecar unchanged. */
  devices: object[];
  deviceCgroupRules: string[];
  /** Host directory mounted at `/run/porthole`, if any. */
  portholeMount: string | undefined;
  /**
   * The storage driver of its root if a read may wait for a program: see `lazyDriver` in layers.ts.
   */
  lazyDriver: string | undefined;
  /** Layers of its root, if the engine reports them. */
  layers: Pick<Layers, "directories" | "roles">;
}

/** A stopped container. Its layers and volumes still exist. */
export interface StoppedContainer {
  engine: Engine;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** State.FinishedAt: distinguishes the files of different runs. */
  finishedAt: string;
  runtime: string;
  isPodman: boolean;
  usernsMode: string;
  layers: Layers;
  /** The error for operations that need a running container. */
  obstacle: PortholeError;
}

/** A running or a stopped container. */
export type ContainerState =
  | { running: RunningContainer; stopped?: undefined }
  | { running?: undefined; stopped: StoppedContainer };
