import { type EngineRequest, Json } from "../api/engine-json.ts";

/** The fields of GET /containers/ID/json that porthole reads. */
export interface Inspection {
  /** 64 hexadecimal digits. */
  id: string;
  /** Without the slash; empty if missing. */
  name: string;
  /** The engine's state; empty if missing. */
  status: string;
  isRunning: boolean;
  isPaused: boolean;
  isRestarting: boolean;
  exitCode: number | undefined;
  /** True if the kernel killed one of its processes at the memory limit. */
  isOomKilled: boolean;
  /** The engine's error if the container failed to start; otherwise empty. */
  error: string;
  /** State.Health.Status: `healthy`, `unhealthy`, `starting`; empty without a health check. */
  health: string;
  /** Number of restarts by the restart policy. */
  restarts: number;
  /** The engine's pid of its first process; 0 if it has none. */
  pid: number;
  startedAt: string;
  finishedAt: string;
  pidMode: string;
  usernsMode: string;
  runtime: string;
  isPrivileged: boolean;
  /**
   * Devices that a new container can be given. Podman does not report a container's rights to a
   * device.
   */
  devices: object[];
  deviceCgroupRules: string[];
  /** Config.Tty: true if its output is one raw stream. */
  hasTerminal: boolean;
  /** HostConfig.LogConfig.Type, such as `json-file`; empty if missing. */
  logDriver: string;
  /** True if Docker deletes or renames log files as the log grows. */
  rotatesLog: boolean;
  mounts: InspectedMount[];
}

/** A volume or a directory of the host in a container, as the engine reports it. */
export interface InspectedMount {
  destination: string | undefined;
  source: string | undefined;
  /** `bind`, `volume`, `tmpfs`; empty if missing. */
  type: string;
  /** Name of a volume; empty for other types. */
  name: string;
  isReadOnly: boolean;
}

/**
 * Decodes the response to GET /containers/ID/json. Engines differ: every field but the id and the
 * state may be missing.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function decodeInspection(body: unknown, request: EngineRequest): Inspection {
  const json = new Json(body, request);
  const state = json.get("State");
  state.object();
  const host = json.get("HostConfig");
  return {
    id: json.get("Id").containerId(),
    name: withoutSlash(json.get("Name").text() ?? ""),
    status: state.get("Status").text() ?? "",
    isRunning: state.get("Running").flag() === true,
    isPaused: state.get("Paused").flag() === true,
    isRestarting: state.get("Restarting").flag() === true,
    exitCode: state.get("ExitCode").whole(),
    isOomKilled: state.get("OOMKilled").flag() === true,
    error: state.get("Error").text() ?? "",
    health: healthOf(state.get("Health").get("Status").text() ?? ""),
    restarts: json.get("RestartCount").whole() ?? 0,
    pid: state.get("Pid").whole() ?? 0,
    startedAt: state.get("StartedAt").text() ?? "",
    finishedAt: state.get("FinishedAt").text() ?? "",
    pidMode: host.get("PidMode").text() ?? "",
    usernsMode: host.get("UsernsMode").text() ?? "",
    runtime: host.get("Runtime").text() ?? "",
    isPrivileged: host.get("Privileged").flag() === true,
    devices: host
      .get("Devices")
      .list()
      .filter((device) => device.object() && device.get("CgroupPermissions").text() !== "")
      .map((device) => device.object()),
    deviceCgroupRules: host
      .get("DeviceCgroupRules")
      .list()
      .map((rule) => rule.text() ?? ""),
    hasTerminal: json.get("Config").get("Tty").flag() === true,
    logDriver: host.get("LogConfig").get("Type").text() ?? "",
    rotatesLog:
      host.get("LogConfig").get("Type").text() === "local" ||
      Object.hasOwn(host.get("LogConfig").get("Config").record(), "max-size"),
    mounts: json
      .get("Mounts")
      .list()
      .map((mount) => ({
        destination: mount.get("Destination").text(),
        source: mount.get("Source").text(),
        type: mount.get("Type").text() ?? "",
        name: mount.get("Name").text() ?? "",
        isReadOnly: mount.get("RW").flag() === false,
      })),
  };
}

function withoutSlash(name: string): string {
  return name.startsWith("/") ? name.slice(1) : name;
}

/** Docker reports `none` for a container without a health check. */
function healthOf(status: string): string {
  return status === "none" ? "" : status;
}
