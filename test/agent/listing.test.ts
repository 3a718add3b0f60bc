import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { encode } from "../../src/protocol/codec.ts";
import { ListFlag, Op } from "../../src/protocol/messages.ts";
import { RecordDecoder } from "../../src/protocol/records.ts";
import { builds, bytes, drain, startAgent } from "../helpers/agent.ts";
import { sandbox } from "../helpers/namespaces.ts";

describe.each(builds)("the %s agent's lists", (build) => {
  test("are complete, below and above the capacity of a pipe", async () => {
    const target = await sandbox();
    const agent = await startAgent({ build, args: ["direct", "--target-pid", String(target.pid), "--join-user-ns"] });
    const session = await agent.session();
    const long = "n".repeat(240);
    // 32 KiB of records. A record has 20 bytes and the name, or 140 bytes and the name with stat.
    // One more record of maximum length and the trailer must also fit.
    const counts = [0, 1, 2, 30, 41, 42, 43, 44, 45, 60, 61, 62, 63, 64, 65, 66, 125, 127, 129, 300];
    for (const count of counts) {
      mkdirSync(`${target.root}/${count}`);
      for (let i = 0; i < count; i++) writeFileSync(`${target.root}/${count}/${i}${long}`, "");
    }
    const names = async (count: number, flags: number) => {
      const { records, error } = await session.records(Op.list, encode.list(flags, bytes(`/${count}`)));
      expect(error).toBe(0);
      return records.map((record) =>
        record.kind === "entry" ? Number.parseInt(Buffer.from(record.name).toString(), 10) : -1,
      );
    };
    // Lists twice, because data of one list must not appear in the next.
    for (const count of [...counts, ...counts]) {
      const all = Array.from({ length: count }, (_, i) => i);
      for (const flags of [0, ListFlag.stat]) expect((await names(count, flags)).sort((a, b) => a - b)).toEqual(all);
    }
    session.close();
    await agent.stop();
    await target.stop();
  });

  test("of small directories need no child each: more lists than the session's 32 children can wait unread", async () => {
    const target = await sandbox();
    const agent = await startAgent({ build, args: ["direct", "--target-pid", String(target.pid), "--join-user-ns"] });
    const session = await agent.session();
    const unread: OwnedFd[] = [];
    for (let n = 0; n < 100; n++)
      unread.push(await session.descriptor(Op.list, encode.list(ListFlag.stat, bytes("/"))));
    for (const pipe of unread) {
      const decoder = new RecordDecoder();
      const records = decoder.push(await drain(pipe));
      expect(decoder.end()).toBe(0);
      expect(records).toHaveLength(4);
    }
    session.close();
    await agent.stop();
    await target.stop();
  });
});
