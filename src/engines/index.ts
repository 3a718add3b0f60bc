/** Docker and Podman: find, inspect and watch containers; namespaces without an engine. */
export { isNotFound } from "./ask-engines.ts";
export { beginInspection } from "./begin-inspection.ts";
export { type ContainerChange, containerChanges } from "./changes.ts";
export { type ContainerListItem, type ContainerPort, decodeContainerList } from "./container-list.ts";
export { type ContainerUsage, containerUsage } from "./container-usage.ts";
export { matchingPods } from "./cri/pod-container.ts";
export { type EngineResponse, engineGet, engines, errorMessageOf, listedEngines, START_ENGINE } from "./engine.ts";
export { type Engine, engineAddress } from "./engine-address.ts";
export { decodeInfo, decodeVersion, type EngineVersion } from "./engine-info.ts";
export { type OutputEvent, OutputFollower } from "./follow-output.ts";
export { homeDirectory } from "./home-directory.ts";
export { imageNames } from "./images.ts";
export { listEvery, listPods, runtimeVersion } from "./list-containers.ts";
export { outputContainer, outputRecords } from "./logs.ts";
export { type NamespaceSandbox, namespaceSandboxes } from "./namespaces.ts";
export { engineElsewhere, remoteContexts } from "./other-kernel.ts";
export type { OutputContainer, OutputRecord } from "./output-record.ts";
export { type RemoteEngine, remoteEngine } from "./remote-engine.ts";
export { inspectContainer } from "./resolve.ts";
export { type ContainerStorage, containerStorage, volumeStorage } from "./storage.ts";
export { volumeNames } from "./volumes.ts";
export {
  type ContainerDetails,
  type ContainersState,
  type ListedContainer,
  watchContainers,
} from "./watch-containers.ts";
