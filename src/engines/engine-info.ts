import { type EngineRequest, Json } from "./engine-json.ts";

/** What porthole reads of GET /version; empty where the engine does not say. */
export interface EngineVersion {
  version: string;
  apiVersion: string;
}

/**
 * Decodes the answer to GET /version.
 * @throws PortholeError TARGET for what is of another type, with the field
 */
export function decodeVersion(body: unknown, request: EngineRequest): EngineVersion {
  const json = new Json(body, request);
  return { version: json.get("Version").text() ?? "", apiVersion: json.get("ApiVersion").text() ?? "" };
}

/** What porthole reads of GET /info; empty where the engine does not say. */
export interface EngineInfo {
  /** The engine's own version. */
  version: string;
  /** As uname(2) has it there. */
  kernelVersion: string;
  operatingSystem: string;
  /** Such as `name=rootless` and `name=seccomp,profile=default`. */
  securityOptions: string[];
  /** Where the engine keeps its images and containers, as its side sees it. */
  rootDirectory: string;
  /** The socket of the containerd that Docker uses. */
  containerdAddress: string;
  /** True where layers are snapshots of containerd. */
  isSnapshotter: boolean;
}

/**
 * Decodes the answer to GET /info.
 * @throws PortholeError TARGET for what is of another type, with the field
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
