/** Docker and Podman: find, inspect and watch containers; namespaces without an engine. */
export { isNotFound } from "./api/ask-engines.ts";
export { beginInspection } from "./api/begin-inspection.ts";
export { type EngineResponse, engineGet, engines, errorMessageOf, listedEngines, START_ENGINE } from "./api/engine.ts";
export { type Engine, engineAddress } from "./api/engine-address.ts";
export { decodeInfo, decodeVersion, type EngineVersion } from "./api/engine-info.ts";
export { homeDirectory } from "./api/home-directory.ts";
export { engineElsewhere, remoteContexts } from "./api/other-kernel.ts";
export { type RemoteEngine, remoteEngine } from "./api/remote-engine.ts";
export { type ContainerListItem, type ContainerPort, decodeContainerList } from "./containers/container-list.ts";
export { type ContainerUsage, containerUsage } from "./containers/container-usage.ts";
export type { OutputContainer, OutputRecord } from "./containers/output-record.ts";
export { matchingPods } from "./containers/pod-container.ts";
export { type ContainerChange, containerChanges } from "./lookup/changes.ts";
export { imageNames } from "./lookup/images.ts";
export { listEvery, listPods, runtimeVersion } from "./lookup/list-containers.ts";
export { type NamespaceSandbox, namespaceSandboxes } from "./lookup/namespaces.ts";
export { inspectContainer } from "./lookup/resolve.ts";
export { type ContainerStorage, containerStorage, volumeStorage } from "./lookup/storage.ts";
export { volumeNames } from "./lookup/volumes.ts";
export {
  type ContainerDetails,
  type ContainersState,
  type ListedContainer,
  watchContainers,
} from "./lookup/watch-containers.ts";
export { type OutputEvent, OutputFollower } from "./output/follow-output.ts";
export { outputContainer, outputRecords } from "./output/logs.ts";
