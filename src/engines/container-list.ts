import { type EngineRequest, Json } from "./engine-json.ts";

/** Label of every sidecar of ours, which nobody wants to look into; its value is the target's id. */
export const SIDECAR_LABEL = "io.porthole.sidecar";

/** What porthole reads of one container of GET /containers/json. */
export interface ContainerListItem {
  /** 64 hexadecimal digits. */
  id: string;
  /** The first one without the slash; the id's first 12 digits where there is none. */
  name: string;
  image: string;
  /** The engine's word in lower case, empty where it has none: `running`, `paused`, `exited`, `created`, `restarting`, `dead`. */
  state: string;
  /** The engine's summary: `Up 3 hours (healthy)`, `Exited (1) 2 days ago`. */
  status: string;
  /** Of Compose: empty without. */
  project: string;
  service: string;
  number: string;
  /** True when `docker compose run` started it: no part of its service. */
  isOneOff: boolean;
  isSidecar: boolean;
  labels: ReadonlyMap<string, string>;
}

/** What every list of containers shows of one. */
export type ContainerSummary = Pick<
  ContainerListItem,
  "id" | "name" | "image" | "state" | "status" | "project" | "service"
>;

/**
 * Decodes the answer to GET /containers/json; every field but the id may be missing, for engines differ.
 * @throws PortholeError TARGET for what is of another type, with the field
 */
export function decodeContainerList(body: unknown, request: EngineRequest): ContainerListItem[] {
  return new Json(body, request).list().map((one) => {
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
    };
  });
}
