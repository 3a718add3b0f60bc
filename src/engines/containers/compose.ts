import { isDenied } from "../api/denied-request.ts";
import { type Engine, engineGet, type RequestOptions, refusedBy } from "../api/engine.ts";
import { type ContainerListItem, decodeContainerList } from "./container-list.ts";

/** One container of a Compose service. */
interface Member {
  id: string;
  container: string;
  project: string;
  service: string;
  number: string;
  isRunning: boolean;
}

/**
 * The containers that match a Compose name: the id of a single one, or the distinguishing names of
 * several.
 */
export type ComposeChoice = { id: string | undefined; several?: undefined } | { id?: undefined; several: string[] };

/**
 * Finds a container by Compose's labels: `service`, or `service-2` for one of several, each also as
 * `project/...`. Prefers running containers. A container of `docker compose run` is not part of its
 * service.
 * @param options `isOptional`: a list that a proxy denies is empty
 * @throws PortholeError TARGET if the engine does not respond or its response is not a list of
 * containers
 */
export function composeContainer(
  engine: Engine,
  name: string,
  { isOptional = false, ...options }: RequestOptions & { isOptional?: boolean },
): Promise<ComposeChoice> {
  return chooseComposed(name, async (label) => {
    const filters = encodeURIComponent(JSON.stringify({ label }));
    const answer = await engineGet(engine, `/containers/json?all=true&filters=${filters}`, options);
    if (isDenied(answer.status) && !isOptional)
      throw refusedBy(engine, answer, `list Compose services, and has no container '${name}'`);
    // Without a list there is no match. The caller reports the missing name.
    return answer.status === 200 ? decodeContainerList(answer.body, answer.request) : [];
  });
}

/** Lists the containers of an engine, running or not, that have all these labels. */
export type ListByLabels = (labels: readonly string[]) => Promise<ContainerListItem[]>;

/** Same as {@link composeContainer}, for any way to list containers. */
export async function chooseComposed(name: string, list: ListByLabels): Promise<ComposeChoice> {
  const slash = name.indexOf("/");
  const project = slash === -1 ? undefined : name.slice(0, slash);
  const service = name.slice(slash + 1);
  const whole = await members(list, project, service, undefined);
  if (whole.length > 0) return choice(whole);
  const [, base, number] = /^(.+)[-_](\d+)$/.exec(service) ?? [];
  if (base === undefined || number === undefined) return { id: undefined };
  return choice(await members(list, project, base, number));
}

async function members(
  list: ListByLabels,
  project: string | undefined,
  service: string,
  number: string | undefined,
): Promise<Member[]> {
  const label = [`com.docker.compose.service=${service}`];
  if (project !== undefined) label.push(`com.docker.compose.project=${project}`);
  if (number !== undefined) label.push(`com.docker.compose.container-number=${Number(number)}`);
  const found = (await list(label))
    .filter(({ isOneOff }) => !isOneOff)
    .map(({ id, name: container, project, number, state }) => ({
      ...{ id, container, project, service, number },
      isRunning: ["running", "paused", "restarting", ""].includes(state),
    }));
  const running = found.filter(({ isRunning }) => isRunning);
  return running.length > 0 ? running : found;
}

function choice(found: readonly Member[]): ComposeChoice {
  return found.length < 2 ? { id: found[0]?.id } : { several: shortest(found) };
}

/** Returns the shortest names that distinguish the containers. */
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
