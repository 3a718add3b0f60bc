export const NODES: { floor: string; 22: string; 24: string };
export function nodePrograms(): Record<string, string>;
