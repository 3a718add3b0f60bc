/** porthole's public list of what there is to look into: containers of every engine, and namespaces without one. Apart from src/index.ts, for what only opens files need not load it. */
export { type NamespaceSandbox, namespaceSandboxes } from "./namespaces.ts";
export {
  type ContainersState,
  type Life,
  type ListedContainer,
  type WatchContainersOptions,
  watchContainers,
} from "./routes/containers.ts";
