import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { posixZone } from "../../src/times/posix-zone.ts";
import { tzifZone } from "../../src/times/tzif.ts";
import { instantOf, namedZone, systemZone, type Zone } from "../../src/times/zone.ts";
import { parseOffset, parseZone } from "../../src/times/zone-text.ts";

const HOUR = 3_600_000;
const winter = Date.UTC(2026, 0, 15);
const summer = Date.UTC(2026, 6, 15);
const hours = (zone: Zone | undefined, at: number) => zone && zone.offsetAt(at) / HOUR;

describe("parseZone", () => {
  it.each([
    ["Europe/Berlin", 1, 2],
    ["europe/berlin", 1, 2],
    ["UTC", 0, 0],
    ["Z", 0, 0],
    ["+02", 2, 2],
    ["+0530", 5.5, 5.5],
    ["-03:00", -3, -3],
    ["UTC+2", 2, 2],
    ["GMT-0330", -3.5, -3.5],
    ["CET", 1, 2],
    ["EST", -5, -5],
    ["EST5EDT", -5, -4],
    ["MSK", 3, 3],
    ["PST", -8, -8],
    ["IST", 5.5, 5.5],
    ["BST", 1, 1],
    ["Asia/Kathmandu", 5.75, 5.75],
    ["Australia/Lord_Howe", 11, 10.5],
  ])("gives the offsets of %s in winter and in summer", (text, inWinter, inSummer) => {
    const zone = parseZone(text);
    expect([hours(zone, winter), hours(zone, summer)]).toEqual([inWinter, inSummer]);
  });

  it("maps `local` to the zone of the host", () => {
    expect(parseZone("local")).toBe(systemZone);
  });

  it.each([
    "",
    "Foo/Bar",
    "+2",
    "+15:00",
    "+02:60",
    "2",
    "Berlin",
    "../etc/passwd",
    "UTC+",
    "constructor",
    "ABC",
    "+1:00",
  ])("refuses '%s'", (text) => {
    expect(() => parseZone(text)).toThrow(/invalid time zone/);
  });
});

describe("parseOffset", () => {
  it("accepts offsets of at least two digits and at most 14 hours", () => {
    const minutes = ["+02", "-14:00", "+0000", "GMT+1", "+1", "+15", "EST"].map((text) => {
      const offset = parseOffset(text);
      return offset === undefined ? undefined : offset / 60_000;
    });
    expect(minutes).toEqual([120, -840, 0, 60, undefined, undefined, undefined]);
  });
});

describe("posixZone", () => {
  it.each([
    ["UTC0", 0, 0],
    ["MSK-3", 3, 3],
    ["<+0330>-3:30", 3.5, 3.5],
    ["EST5EDT", -5, -4],
    ["CET-1CEST,M3.5.0,M10.5.0/3", 1, 2],
    ["<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", -3, -2],
    ["NZST-12NZDT,M9.5.0,M4.1.0/3", 13, 12],
    ["IST-1GMT0,M10.5.0,M3.5.0/1", 0, 1],
    ["AAA1BBB2,J60/0,J300/0", -1, -2],
  ])("gives the offsets of %s in winter and in summer", (text, inWinter, inSummer) => {
    const zone = posixZone(text);
    expect([hours(zone, winter), hours(zone, summer)]).toEqual([inWinter, inSummer]);
  });

  it("changes at the times of the tz database", () => {
    const [rule, name] = [posixZone("CET-1CEST,M3.5.0,M10.5.0/3") as Zone, namedZone("Europe/Berlin") as Zone];
    for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2028, 0, 1); day += HOUR)
      expect(rule.offsetAt(day)).toBe(name.offsetAt(day));
  });

  it.each(["", "UTC", "E5", "CET-1CEST,M3.5.0", "Europe/Berlin", "12"])("refuses '%s'", (text) => {
    expect(posixZone(text)).toBeUndefined();
  });
});

describe("tzifZone", () => {
  const names = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Casablanca", "Australia/Sydney", "UTC"];
  const directory = "/usr/share/zoneinfo";

  it.runIf(readdirSync("/usr/share").includes("zoneinfo"))("agrees with date(1) over fifty years", () => {
    for (const name of names) {
      const zone = tzifZone(readFileSync(`${directory}/${name}`), name) as Zone;
      const times = Array.from({ length: 100 }, (_, index) => Date.UTC(1990, index * 6 + 1, 15, 11, 30));
      const input = times.map((time) => `@${time / 1000}\n`).join("");
      const dates = execFileSync("date", ["-f", "-", "+%::z"], {
        input,
        encoding: "utf8",
        env: { ...process.env, TZ: name },
      });
      const offsets = times.map((time) => {
        const offset = zone.offsetAt(time);
        return `${offset < 0 ? "-" : "+"}${new Date(Math.abs(offset)).toISOString().slice(11, 19)}`;
      });
      expect([name, ...offsets]).toEqual([name, ...dates.trim().split("\n")]);
    }
  });

  it("returns undefined for invalid or truncated bytes", () => {
    const whole = Buffer.alloc(44 + 6 + 4);
    whole.write("TZif");
    whole.writeUInt32BE(1, 36);
    whole.writeUInt32BE(4, 40);
    whole.writeInt32BE(7200, 44);
    expect(tzifZone(whole, "x")?.offsetAt(winter)).toBe(2 * HOUR);
    for (let length = 0; length < whole.length; length++)
      expect(tzifZone(whole.subarray(0, length), "x")).toBeUndefined();
    whole.writeUInt32BE(0xffff_ffff, 32);
    expect(tzifZone(whole, "x")).toBeUndefined();
    expect(tzifZone(Buffer.from("Europe/Berlin\n"), "x")).toBeUndefined();
  });
});

describe("instantOf", () => {
  it("is the inverse of the offset for unambiguous local times", () => {
    for (const name of ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]) {
      const zone = namedZone(name) as Zone;
      for (let time = Date.UTC(2026, 0, 1); time < Date.UTC(2027, 0, 1); time += 7 * HOUR) {
        const wall = time + zone.offsetAt(time);
        expect([time, time - HOUR, time - HOUR / 2]).toContain(instantOf(zone, wall));
        expect(instantOf(zone, wall, time - 1)).toBe(time);
      }
    }
  });
});
