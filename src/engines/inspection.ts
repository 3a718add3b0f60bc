import { type EngineRequest, Json } from "./engine-json.ts";

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
  /** Config.Tty: its output is one raw stream. */
  hasTerminal: boolean;
  /** HostConfig.LogConfig.Type, such as `json-file`; empty if missing. */
  logDriver: string;
  mounts: { destination: string | undefined; source: string | undefined }[];
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
    name: (json.get("Name").text() ?? "").replace(/^\//, ""),
    status: state.get("Status").text() ?? "",
    isRunning: state.get("Running").flag() === true,
    isPaused: state.get("Paused").flag() === true,
    isRestarting: state.get("Restarting").flag() === true,
    exitCode: state.get("ExitCode").whole(),
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
    mounts: json
      .get("Mounts")
      .list()
      .map((mount) => ({ destination: mount.get("Destination").text(), source: mount.get("Source").text() })),
  };
}
