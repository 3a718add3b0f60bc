import { layerText } from "../../../ls/layer-text.ts";
import type { Connection } from "../../connection/connection.ts";
import { type FileItem, isLayer } from "./files-items.ts";

/** Milliseconds that a file must stay selected before its layer is requested. */
const REST_MS = 200;

/** Finds the layer of the selected file, after the file has stayed selected. */
export class SelectedLayer {
  readonly #connection: Connection;
  readonly #changed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #selected: FileItem | undefined;
  #sentence: string | undefined;

  /** @param changed called when the sentence is known */
  constructor(connection: Connection, changed: () => void) {
    this.#connection = connection;
    this.#changed = changed;
  }

  select(item: FileItem | undefined): void {
    if (item === this.#selected) return;
    this.close();
    this.#selected = item;
    if (item?.backing === undefined || !isLayer(item.backing)) return;
    this.#timer = setTimeout(() => void this.#ask(item), REST_MS);
  }

  /** Returns `layer 3 of 5 of the image: RUN ...`; undefined until it is known. */
  sentence(item: FileItem): string | undefined {
    return item === this.#selected ? this.#sentence : undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#selected = undefined;
    this.#sentence = undefined;
  }

  async #ask(item: FileItem): Promise<void> {
    const sentence = await this.#find(item);
    if (item !== this.#selected || sentence === undefined) return;
    this.#sentence = sentence;
    this.#changed();
  }

  /** Finds the layer. Undefined for a root without layers, or if the layers cannot be requested. */
  async #find({ entry }: FileItem): Promise<string | undefined> {
    try {
      const layer = await this.#connection.use((session) => session.layer(entry.path, { noFollow: true }), {
        onlyLive: true,
      });
      if (layer?.kind === "container") return "in the container's own layer, removed with the container";
      const text = layer && layerText(layer, (part) => part);
      return text && `layer ${text}`;
    } catch {
      return undefined;
    }
  }
}
