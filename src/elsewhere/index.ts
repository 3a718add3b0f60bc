/** Porthole on other kernels: its own image, and the places that run it. */
export { describeImage, imagePieces } from "./image.ts";
export { installedFiles } from "./installation.ts";
export { loadImage } from "./load-image.ts";
