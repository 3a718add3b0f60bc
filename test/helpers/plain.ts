/** Returns text without its SGR sequences. */
export function plain(text: string): string {
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}
