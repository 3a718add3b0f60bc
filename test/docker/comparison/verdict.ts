import type { Actor } from "./actor.ts";
import { noTool, type Row } from "./rows.ts";
import type { Subject, Subjects } from "./subjects.ts";
import type { Tried } from "./tries.ts";
import type { Way } from "./ways.ts";

/**
 * Determines the verdict of a cell: in an image without tools, then under the tool's conditions,
 * then in an image with tools. Throws if a tool fails in another way than the row documents.
 */
export async function verdict(column: string, way: Way, row: Row, by: Actor, subjects: Partial<Subjects>) {
  const refusal = row.refused[column];
  if (row.attemptHere !== undefined) {
    const tried = await row.attemptHere(way, by);
    if (!tried.worked) isRefusal(tried, [refusal]);
    return tried.worked ? "yes" : "no";
  }
  const [without, withTools] = subjectsOf(row, subjects);
  let partly: string | undefined;
  const attempt = async (as: Way, of: Subject, also?: RegExp): Promise<boolean> => {
    const tried = await row.attempt?.(as, by, of, refusal);
    if (tried === undefined) throw new Error("a row without an attempt");
    if (!tried.worked) isRefusal(tried, [...(of.options.image === of.toolkit ? [] : [noTool]), refusal, also]);
    partly ??= tried.partly;
    return tried.worked;
  };
  if (await attempt(way, without)) return "yes";
  if (partly !== undefined) return partly;
  for (const [condition, { read, refused }] of Object.entries(way.conditions ?? {}))
    if (await attempt({ ...way, read }, without, refused)) return condition;
  if (withTools !== undefined && (await attempt(way, withTools))) return "with a tool";
  return "no";
}

function subjectsOf({ images = ["bare", "tooled"] }: Row, subjects: Partial<Subjects>): [Subject, Subject?] {
  const [without, withTools] = images.map((name) => subjects[name]);
  if (without === undefined) throw new Error(`none of ${images.join(", ")} is here`);
  return withTools === undefined ? [without] : [without, withTools];
}

function isRefusal({ said }: Tried, known: readonly (RegExp | undefined)[]): void {
  if (!known.some((refusal) => refusal?.test(said)))
    throw new Error(`it failed, and not as it is known to (${known.join(", ")}): ${JSON.stringify(said)}`);
}
