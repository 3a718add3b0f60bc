import type { WaitOptions } from "../descriptors/poll.ts";
import { ask, type Engine } from "./engine.ts";

/** One container of a Compose service. */
interface Member {
  id: string;
  container: string;
  project: string;
  service: string;
  number: string;
  isRunning: boolean;
}

/** Who bears a Compose name: one container by its id, several by what to type for each, or nobody. */
export type ComposeChoice = { id: string | undefined; several?: undefined } | { id?: undefined; several: string[] };

/**
 * Looks for the container that Compose's labels give this name: `service`, `service-2` for one of several, each also as `project/...`.
 * Those that run come before those that do not; what `docker compose run` started is no part of a service.
 * @throws PortholeError TARGET when the engine does not answer
 */
export async function composeContainer(engine: Engine, name: string, options: WaitOptions): Promise<ComposeChoice> {
  const slash = name.indexOf("/");
  const project = slash === -1 ? undefined : name.slice(0, slash);
  const service = name.slice(slash + 1);
  const whole = await members(engine, project, service, undefined, options);
  if (whole.length > 0) return choice(whole);
  const [, base, number] = /^(.+)[-_](\d+)$/.exec(service) ?? [];
  if (base === undefined || number === undefined) return { id: undefined };
  return choice(await members(engine, project, base, number, options));
}

async function members(
  engine: Engine,
  project: string | undefined,
  service: string,
  number: string | undefined,
  options: WaitOptions,
): Promise<Member[]> {
  const label = [`com.docker.compose.service=${service}`];
  if (project !== undefined) label.push(`com.docker.compose.project=${project}`);
  if (number !== undefined) label.push(`com.docker.compose.container-number=${Number(number)}`);
  const filters = encodeURIComponent(JSON.stringify({ label }));
  const answer = await ask(engine, `/containers/json?all=true&filters=${filters}`, options);
  if (answer.status !== 200 || !Array.isArray(answer.body)) return [];
  const list = answer.body as {
    Id?: string;
    Names?: string[];
    State?: string;
    Labels?: Record<string, string> | null;
  }[];
  const found = list
    .filter(({ Id, Labels }) => typeof Id === "string" && Labels?.["com.docker.compose.oneoff"] !== "True")
    .map(({ Id = "", Names, State, Labels }) => ({
      id: Id,
      container: (Names?.[0] ?? Id.slice(0, 12)).replace(/^\//, ""),
      project: Labels?.["com.docker.compose.project"] ?? "",
      service,
      number: Labels?.["com.docker.compose.container-number"] ?? "",
      isRunning: ["running", "paused", "restarting"].includes(State ?? "running"),
    }));
  const running = found.filter(({ isRunning }) => isRunning);
  return running.length > 0 ? running : found;
}

function choice(found: readonly Member[]): ComposeChoice {
  return found.length < 2 ? { id: found[0]?.id } : { several: shortest(found) };
}

/** What to type for each: as little as tells them apart. */
function shortest(found: readonly Member[]): string[] {
  const isUnique = (names: readonly string[]) => new Set(names).size === names.length;
  const qualified = (member: Member) => `${member.project}/${member.service}`;
  const forms: ((member: Member) => string)[] = [
    ({ service, number }) => `${service}-${number}`,
    qualified,
    (member) => `${qualified(member)}-${member.number}`,
  ];
  const isLabelled = found.every(({ project, number }) => project !== "" && number !== "");
  const sorted = [...found].sort((a, b) =>
    a.project < b.project ? -1 : a.project > b.project ? 1 : +a.number - +b.number,
  );
  const form = isLabelled ? forms.find((one) => isUnique(sorted.map(one))) : undefined;
  return sorted.map(form ?? (({ container }) => container));
}
