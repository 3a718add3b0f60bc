import { describe, expect, it } from "vitest";
import { DrainingGeneration, FollowMachine } from "../../src/follow/machine.ts";

const first = { device: 1, inode: 10 };
const second = { device: 1, inode: 11 };
const third = { device: 1, inode: 12 };
const look = (size: number, now: number, intact = true) => ({ size, intact, now });

describe("FollowMachine", () => {
  it("reads the data beyond the position, then waits", () => {
    const machine = new FollowMachine(first, 5, 250);
    expect(machine.look(look(9, 0))).toEqual({ kind: "read", position: 5, available: 4 });
    machine.advance(4);
    expect(machine.look(look(9, 1))).toEqual({ kind: "wait" });
  });

  it("starts from the beginning when the file shrank, or when it grew with other content", () => {
    const machine = new FollowMachine(first, 100, 250);
    expect(machine.look(look(99, 0))).toEqual({ kind: "truncated", unread: 0 });
    expect(machine.look(look(99, 0))).toEqual({ kind: "read", position: 0, available: 99 });
    machine.advance(99);
    expect(machine.look(look(500, 1, false))).toEqual({ kind: "truncated", unread: 0 });
    expect(machine.position).toBe(0);
  });

  it("computes the unread bytes of a truncated file from the observed sizes", () => {
    const machine = new FollowMachine(first, 100, 250);
    machine.look(look(300, 0));
    machine.advance(50);
    machine.sizeSeen(1000);
    machine.sizeSeen(20);
    machine.sizeSeen(5000);
    expect(machine.look(look(5000, 1, false))).toEqual({ kind: "truncated", unread: 850 });
    machine.advance(10);
    expect(machine.look(look(5, 2))).toEqual({ kind: "truncated", unread: 4990 });
  });

  it("reports no loss when a truncation was not observed", () => {
    const machine = new FollowMachine(first, 100, 250);
    expect(machine.look(look(4000, 1, false))).toEqual({ kind: "truncated", unread: 0 });
  });

  it("leaves an old generation at once if the next generation has content, and keeps it while that is empty", () => {
    const machine = new FollowMachine(first, 0, 250);
    machine.look(look(10, 1000));
    machine.advance(10);
    machine.opened(second);
    expect(machine.look({ ...look(10, 1001), nextSize: 0 })).toEqual({ kind: "wait" });
    expect(machine.look({ ...look(12, 1002), nextSize: 1 }).kind).toBe("read");
    machine.advance(2);
    expect(machine.look({ ...look(12, 1003), nextSize: 1 }).kind).toBe("switch");
  });

  it("does not report a deleted file as returned before another file of its name is open", () => {
    const machine = new FollowMachine(first, 0, 250, 100);
    machine.pathSeen(undefined, 0);
    expect(machine.look(look(0, 100))).toEqual({ kind: "deleted" });
    expect(machine.pathSeen(second, 150)).toBe(true);
    expect(machine.look(look(0, 151))).toEqual({ kind: "wait" });
    machine.opened(second);
    expect(machine.look({ ...look(0, 500), nextSize: 1 })).toEqual({ kind: "switch", afterDeletion: true });
  });

  it("waits for a first file and starts at its beginning", () => {
    const machine = new FollowMachine(undefined, 77, 250);
    expect(machine.lookForFirst()).toEqual({ kind: "wait" });
    machine.pathSeen(undefined, 0);
    expect(machine.restless).toBe(false);
    expect(machine.pathSeen(first, 5)).toBe(true);
    machine.opened(first);
    expect(machine.restless).toBe(true);
    expect(machine.lookForFirst()).toEqual({ kind: "switch", afterDeletion: true });
    expect(machine.look(look(3, 6))).toEqual({ kind: "read", position: 0, available: 3 });
    expect(machine.restless).toBe(false);
  });

  it("requests to open a new generation immediately and only once", () => {
    const machine = new FollowMachine(first, 0, 250);
    expect(machine.pathSeen(first, 0)).toBe(false);
    expect(machine.pathSeen(second, 0)).toBe(true);
    expect(machine.opened(second)).toBe(true);
    expect(machine.pathSeen(second, 1)).toBe(false);
    expect(machine.opened(second)).toBe(false);
  });

  it("drains the old generation until it is quiet, then reads all pending generations", () => {
    const machine = new FollowMachine(first, 0, 250);
    machine.opened(second);
    machine.opened(third);
    expect(machine.look(look(10, 1000)).kind).toBe("read");
    machine.advance(10);
    expect(machine.look(look(10, 1100))).toEqual({ kind: "wait" });
    expect(machine.look(look(12, 1200)).kind).toBe("read");
    machine.advance(2);
    expect(machine.look(look(12, 1449))).toEqual({ kind: "wait" });
    expect(machine.look(look(12, 1450))).toEqual({ kind: "switch", afterDeletion: false });
    expect(machine.position).toBe(0);
    expect(machine.look(look(0, 1701))).toEqual({ kind: "switch", afterDeletion: false });
    expect(machine.look(look(0, 1702))).toEqual({ kind: "wait" });
  });

  it("reports a deleted file only after a delay, because a rotation deletes the name for a moment", () => {
    const machine = new FollowMachine(first, 0, 250);
    machine.pathSeen(undefined, 0);
    expect(machine.look(look(0, 999))).toEqual({ kind: "wait" });
    machine.pathSeen(undefined, 999);
    expect(machine.look(look(0, 1000))).toEqual({ kind: "deleted" });
    expect(machine.look(look(0, 1001))).toEqual({ kind: "wait" });
    machine.pathSeen(first, 1002);
    expect(machine.look(look(0, 1003))).toEqual({ kind: "returned" });
    expect(machine.look(look(0, 1004))).toEqual({ kind: "wait" });
  });

  it("reads a deleted file to its end before it reports the deletion, and reports the next file", () => {
    const machine = new FollowMachine(first, 0, 250);
    machine.pathSeen(undefined, 0);
    expect(machine.look(look(3, 2000)).kind).toBe("read");
    machine.advance(3);
    expect(machine.look(look(3, 2001))).toEqual({ kind: "deleted" });
    machine.opened(second);
    expect(machine.look(look(3, 3000))).toEqual({ kind: "switch", afterDeletion: true });
  });

  it("accepts device and inode as numbers and as bigints", () => {
    expect(new FollowMachine(first, 0, 250).pathSeen({ device: 1n, inode: 10n }, 0)).toBe(false);
  });
});

describe("DrainingGeneration", () => {
  it("reads an old generation until the new generation has data and the old one is quiet", () => {
    const leaving = new DrainingGeneration(10, 250);
    expect(leaving.look(10, false, 5000)).toBe("wait");
    expect(leaving.look(10, true, 9000)).toBe("wait");
    expect(leaving.look(15, true, 9200)).toBe("read");
    leaving.position = 15;
    expect(leaving.look(15, true, 9300)).toBe("wait");
    expect(leaving.look(15, true, 9549)).toBe("wait");
    expect(leaving.look(15, true, 9550)).toBe("done");
  });
});
