import { type EngineRequest, Json } from "../api/engine-json.ts";
import type { PodContainer } from "./pod-container.ts";

/** Label of every sidecar; its value is the target's id. Lists omit sidecars. */
export const SIDECAR_LABEL = "io.porthole.sidecar";

/** The fields of GET /containers/json that porthole reads. */
export interface ContainerListItem {
  /** 64 hexadecimal digits. */
  id: string;
  /** The first name without its slash; the first 12 digits of the id if there is none. */
  name: string;
  image: string;
  /**
   * The engine's state in lower case, empty without a state: `running`, `paused`, `exited`,
   * `created`, `restarting`, `dead`.
   */
  state: string;
  /** The engine's summary: `Up 3 hours (healthy)`, `Exited (1) 2 days ago`. */
  status: string;
  /** From Compose's labels; empty if missing. */
  project: string;
  service: string;
  number: string;
  /** True if `docker compose run` started it, outside of its service. */
  isOneOff: boolean;
  isSidecar: boolean;
  labels: ReadonlyMap<string, string>;
  ports: readonly ContainerPort[];
  /** Set for a container of a pod. Its labels are the pod's. */
  pod?: PodContainer;
}

/** A port that a container listens on or that its image declares. */
export interface ContainerPort {
  /** Port on this machine; 0 if the port is not published. */
  published: number;
  /** Port in the container. */
  port: number;
  /** `tcp`, `udp`, `sctp`; empty if missing. */
  protocol: string;
}

/** The fields that every list of containers shows. */
export type ContainerSummary = Pick<
  ContainerListItem,
  "id" | "name" | "image" | "state" | "status" | "project" | "service"
>;

/**
 * Decodes the response to GET /containers/json. Engines differ: every field but the id may be
 * missing.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function decodeContainerList(body: unknown, request: EngineRequest): ContainerListItem[] {
  return decodeContainers(new Json(body, request));
}

/** Same as {@link decodeContainerList}, for a parsed response. */
export function decodeContainers(list: Json): ContainerListItem[] {
  return list.list().map((one) => {
    const id = one.get("Id").containerId();
    const [name] = one.get("Names").list();
    const labels = one.get("Labels");
    const label = (key: string) => labels.get(key).text();
    return {
      id,
      name: (name?.text() ?? id.slice(0, 12)).replace(/^\//, ""),
      image: one.get("Image").text() ?? "",
      state: (one.get("State").text() ?? "").toLowerCase(),
      status: one.get("Status").text() ?? "",
      project: label("com.docker.compose.project") ?? "",
      service: label("com.docker.compose.service") ?? "",
      number: label("com.docker.compose.container-number") ?? "",
      isOneOff: label("com.docker.compose.oneoff") === "True",
      isSidecar: label(SIDECAR_LABEL) !== undefined,
      labels: labels.texts(),
      ports: decodePorts(one.get("Ports")),
    };
  });
}

/** A port that is published on several addresses becomes one entry. */
function decodePorts(ports: Json): ContainerPort[] {
  const found = new Map<string, ContainerPort>();
  for (const one of ports.list()) {
    const port = {
      published: one.get("PublicPort").whole() ?? 0,
      port: one.get("PrivatePort").whole() ?? 0,
      protocol: one.get("Type").text() ?? "",
    };
    found.set(`${port.published} ${port.port} ${port.protocol}`, port);
  }
  return [...found.values()].sort((a, b) => a.port - b.port || a.published - b.published);
}
