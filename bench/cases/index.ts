import type { Case } from "../case.ts";
import { agentCost } from "./agent-cost.ts";
import { bigCat } from "./big-cat.ts";
import { busyWriter } from "./busy-writer.ts";
import { coldAttach } from "./cold-attach.ts";
import { completeKey } from "./complete.ts";
import { followedFiles, listedContainers, manyPlaces, viewedSizes } from "./curves.ts";
import { followLatency } from "./follow.ts";
import { grepLog } from "./grep.ts";
import { growingFile, manyContainers, manyFiles } from "./growth.ts";
import { idleFollow } from "./idle.ts";
import { listTree } from "./list.ts";
import { remoteEngines } from "./remote.ts";
import { hourReplayed } from "./replay.ts";
import { screen } from "./screen.ts";
import { screenSearch } from "./search.ts";
import { smallCat } from "./small-cat.ts";
import { stoppedContainer } from "./stopped.ts";
import { hostTools } from "./trees.ts";
import { warmOpen } from "./warm-open.ts";

/** Every case, by the name that `npm run bench -- NAME` takes, in the order of the report. */
export const cases: Record<string, Case> = {
  open: warmOpen,
  small: smallCat,
  cold: coldAttach,
  stopped: stoppedContainer,
  cat: bigCat,
  grep: grepLog,
  trees: hostTools,
  follow: followLatency,
  idle: idleFollow,
  list: listTree,
  complete: completeKey,
  screen,
  search: screenSearch,
  busy: busyWriter,
  replay: hourReplayed,
  remote: remoteEngines,
  agent: agentCost,
  files: manyFiles,
  size: growingFile,
  containers: manyContainers,
  listed: listedContainers,
  followed: followedFiles,
  viewed: viewedSizes,
  places: manyPlaces,
};
