import { type EngineRequest, Json } from "./engine-json.ts";

/** The fields of GET /version that porthole reads; empty if missing. */
export interface EngineVersion {
  version: string;
  apiVersion: string;
}

/**
 * Decodes the response to GET /version.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function decodeVersion(body: unknown, request: EngineRequest): EngineVersion {
  const json = new Json(body, request);
  return { version: json.get("Version").text() ?? "", apiVersion: json.get("ApiVersion").text() ?? "" };
}

/** The fields of GET /info that porthole reads; empty if missing. */
export interface EngineInfo {
  /** The engine's own version. */
  version: string;
  /** `release` of uname(2) on the engine's side. */
  kernelVersion: string;
  operatingSystem: string;
  /** Such as `name=rootless` and `name=seccomp,profile=default`. */
  securityOptions: string[];
  /** Directory of images and containers, as the engine sees it. */
  rootDirectory: string;
  /** The socket of the containerd that Docker uses. */
  containerdAddress: string;
  /** True if layers are snapshots of containerd. */
  isSnapshotter: boolean;
}

/**
 * Decodes the response to GET /info.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function decodeInfo(body: unknown, request: EngineRequest): EngineInfo {
  const json = new Json(body, request);
  return {
    version: json.get("ServerVersion").text() ?? "",
    kernelVersion: json.get("KernelVersion").text() ?? "",
    operatingSystem: json.get("OperatingSystem").text() ?? "",
    securityOptions: json
      .get("SecurityOptions")
      .list()
      .map((option) => option.text() ?? ""),
    rootDirectory: json.get("DockerRootDir").text() ?? "",
    containerdAddress: json.get("Containerd").get("Address").text() ?? "",
    isSnapshotter: json
      .get("DriverStatus")
      .list()
      .some((pair) => pair.list().some((word) => word.text()?.startsWith("io.containerd.snapshotter.") === true)),
  };
}
