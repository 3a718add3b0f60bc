import { describe, expect, it } from "vitest";
import { parseTimestamp, TimestampReader } from "../../src/text/records/timestamp.ts";
import { namedZone, systemZone, utc as utcZone, type Zone } from "../../src/times/zone.ts";

const now = Date.UTC(2026, 1, 15);
const utc = { now, zone: utcZone };
const base = Date.UTC(2026, 0, 31, 14, 5, 6);

describe("parseTimestamp", () => {
  it.each([
    ["2026-01-31T14:05:06Z started", 0],
    ["2026-01-31T14:05:06.123456789Z", 123.456789],
    ["2026-01-31T16:05:06.5+02:00 x", 500],
    ["2026-01-31 09:05:06 -0500 x", 0],
    ["2026-01-31 14:05:06,123 INFO  [main] Java", 123],
    ["2026-01-31 14:05:06,123 - root - INFO - Python", 123],
    ["INFO:root:2026-01-31 14:05:06,007 message", 7],
    ["[2026-01-31 14:05:06] app.INFO: PHP", 0],
    ["2026/01/31 14:05:06 main.go:17: Go", 0],
    ["2026/01/31 14:05:06.250000 Go with microseconds", 250],
    ["2026/01/31 14:05:06 [error] 7#7: *1 nginx", 0],
    ['10.0.0.1 - - [31/Jan/2026:14:05:06 +0000] "GET / HTTP/1.1" 200 1', 0],
    ['10.0.0.1 - bob [31/Jan/2026:15:05:06 +0100] "GET /2020-01-01T00:00:00Z HTTP/1.1" 200 1', 0],
    ["[Sat Jan 31 14:05:06.123456 2026] [core:error] Apache", 123.456],
    ["Jan 31 14:05:06 host app[1]: RFC 3164", 0],
    ["<34>Jan 31 14:05:06 host app: RFC 3164", 0],
    ["<34>1 2026-01-31T14:05:06.003Z host app - - - RFC 5424", 3],
    ["Jan 31, 2026 2:05:06 PM com.example.Main main", 0],
    ["1:M 31 Jan 2026 14:05:06.123 * Redis", 123],
    ["I0131 14:05:06.123456 1 klog.go:1] klog", 123.456],
    [`${base / 1000} epoch`, 0],
    [`${base / 1000}.250 epoch`, 250],
    [`${base + 42} epoch in milliseconds`, 42],
    [`[${base / 1000}] in brackets`, 0],
    [`{"level":"info","ts":${base / 1000}.5,"msg":"zap"}`, 500],
    [`{"level":30,"time":${base + 1},"pid":1,"msg":"pino"}`, 1],
    ['{"time":"2026-01-31T14:05:06.25Z","level":"INFO","msg":"slog"}', 250],
    ['time="2026-01-31T14:05:06Z" level=info msg=logrus', 0],
    [`ts=${base / 1000} caller=x`, 0],
    ["2026-01-31 09:05:06 EST x", 0],
    ["2026-01-31 15:05:06 CET x", 0],
    ["2026-01-31 17:05:06,250 MSK x", 250],
    ["2026-01-31 16:05:06.5 +02 x", 500],
    ["2026-01-31 11:05:06.123-03 [1] LOG: PostgreSQL", 123],
    ["2026-01-31 14:05:06.123 UTC [1] LOG: PostgreSQL", 123],
    ["2026-01-31T19:35:06+0530 x", 0],
    ["2026-01-31 16:05:06 UTC+2 x", 0],
    ["2026-01-31 11:05:06 GMT-03:00 x", 0],
    ["2026-01-31 19:35:06 IST India is usual", 0],
    ["2026-01-31 08:05:06 CST so is America", 0],
    ["2026-01-31 14:05:06 -20 is no offset", 0],
    ["2026-01-31 14:05:06 ABC is no zone", 0],
    ["2026-01-31 14:05:06 app/main is no zone", 0],
    ["2026-01-31  4:05:06 0 [Note] MariaDB pads hours", -36_000_000],
    ["2026-01-31T14:05Z", -6000],
    ["2026-01-31_14:05:06.12345 svlogd", 123.45],
    ["2026.01.31 14:05:06.123456 [ 1 ] {} <Information> ClickHouse", 123.456],
    ["2026-01-31T14:05:06.1234567Z .NET", 123.4567],
    ["[2026-01-31 14:05:06 +0000] [1] [INFO] gunicorn", 0],
    ["[2026-01-31 14:05:06,123: INFO/MainProcess] Celery", 123],
    ['Started GET "/" for 127.0.0.1 at 2026-01-31 15:05:06 +0100', 0],
    ["20260131T140506Z basic", 0],
    ["20260131T140506.123Z basic", 123],
    ["20260131T150506+0100 basic", 0],
    ["20260131T140506 basic", 0],
    ["20260131 14:05:06 x", 0],
    ["I20260131 14:05:06.123456     1 main.cc:1] glog", 123.456],
    ["31-Jan-2026 14:05:06.992 INFO [main] org.apache.catalina.startup.VersionLoggerListener.log Tomcat", 992],
    ["[31-Jan-2026 14:05:06] NOTICE: fpm is running, pid 1", 0],
    ["[31-Jan-2026 14:05:06 UTC] PHP Warning:  x", 0],
    ["[31-Jan-2026 15:05:06 Europe/Berlin] PHP Warning:  x", 0],
    ["=INFO REPORT==== 31-Jan-2026::14:05:06.123456 ===", 123.456],
    ["Jan 31 15:00:00 lb haproxy[1]: 10.0.0.1:1 [31/Jan/2026:14:05:06.123] syslog's own comes first", 3_294_000],
    ["10.0.0.1:1 [31/Jan/2026:14:05:06.123] fe be/s 0/0/0/1/1 200", 123],
    ['[31/Jan/2026 14:05:06] "GET / HTTP/1.1" 200 Django', 0],
    ["Sat Jan 31 14:05:06 UTC 2026", 0],
    ["Sat Jan 31 15:05:06 CET 2026", 0],
    ["Sat Jan 31 02:05:06 PM UTC 2026", 0],
    ["Sat Jan 31 11:05:06 -03 2026", 0],
    ["Sat 31 Jan 2026 02:05:06 PM UTC", 0],
    ["Sat 31 Jan 2026 03:05:06 PM CET", 0],
    ["Sat, 31 Jan 2026 14:05:06 GMT", 0],
    ["Sat, 31 Jan 2026 15:05:06 +0100", 0],
    ["Sat Jan 31 14:05:06 2026 ctime", 0],
    ["Sat Jan 31 2026 15:05:06 GMT+0100 (Central European Standard Time)", 0],
    ["January 31, 2026 at 2:05:06 PM UTC", 0],
    ["Jan 31 2026 14:05:06: %ASA-6-302013: Cisco", 0],
    ["1:M 31 Jan 14:05:06.123 * Redis 2", 123],
    ["web-1  | Jan 31 14:05:06 host app[1]: behind Compose's prefix", 0],
    ["1/31/2026 2:05:06 PM Windows", 0],
    ["1/31/2026, 2:05:06\u202fPM JavaScript", 0],
    ["01/31/2026 14:05:06.250 Windows", 250],
    ["31/01/2026 14:05:06 day first", 0],
    ["31.01.2026 14:05:06 German", 0],
    ["1/31/26 15:05:06:123 CET 00000001 WebSphere", 123],
    ["26/01/31 14:05:06 INFO Spark", 0],
    ["260131 14:05:06 [Note] MySQL 5", 0],
    ["01-31 14:05:06.123  1234  5678 W Tag: Android", 123],
    ["192.0.2.1, -, 1/31/2026, 14:05:06, W3SVC1, IIS", 0],
    ["2026-01-31 14:05:06 W3SVC1 IIS", 0],
    [`{"when":"\\/Date(${base + 5}+0100)\\/"}`, 5],
    [`/Date(${base})/`, 0],
    [`type=SYSCALL msg=audit(${base / 1000}.123:420): auditd`, 123],
    ["@40000000697e0c1c075bca00 TAI64N", 123.456],
    [`${base + 42}123 epoch in microseconds`, 42.123],
    [`${base + 42}123456 epoch in nanoseconds`, 42.123456],
    [`{"level":"info","ts":${(base + 500) / 1e12}e+9,"msg":"zap"}`, 500],
    ["\0\0\0\x002026-01-31T14:05:06Z after a crash", 0],
    [`${"\0".repeat(5000)}Jan 31 14:05:06 host after a crash`, 0],
    ["\ufeff2026-01-31T14:05:06Z", 0],
    ["\x1b[90m2026-01-31T14:05:06Z\x1b[0m coloured", 0],
    [`\x1b[32mI0131 14:05:06.123456\x1b[0m`, 123.456],
    ["2026-01-31T14:05:06.123456789Z stdout F 2020-01-01T00:00:00Z CRI", 123.456789],
    ['2026-01-31T14:05:06Z stdout F {"time":"2020-01-01T00:00:00Z"}', 0],
    [`level=info msg="${"x".repeat(300)}" ts=2026-01-31T14:05:06Z`, 0],
  ])("reads the time of: %s", (line, milliseconds) => {
    expect(parseTimestamp(line, utc)).toBeCloseTo(base + milliseconds, 2);
  });

  it.each([
    ["no time at all"],
    ["\tat com.example.Main(Main.java:17)"],
    ["14:05:06.123 a time without a day"],
    ["request 1234567890 of 9876543210"],
    ["2026-13-31T14:05:06Z no such month"],
    ["Version 2026.01.31"],
    ["2026-02-30 14:05:06 no such day"],
    ["31-Foo-2026 14:05:06"],
    ["0123456789 a number"],
    ["9876543210 in the year 2282"],
    ['{"time":0.123,"took":"14:05:06"}'],
    [`${" ".repeat(300)}2026-01-31T14:05:06Z too far in`],
  ])("finds no timestamp in: %s", (line) => {
    expect(parseTimestamp(line, utc)).toBeUndefined();
  });

  it("uses the latest year that is not in the future if the line has no year", () => {
    expect(parseTimestamp("Dec 31 23:59:59 host x", utc)).toBe(Date.UTC(2025, 11, 31, 23, 59, 59));
    expect(parseTimestamp("Jan  1 00:00:01 host x", { ...utc, now: Date.UTC(2025, 11, 31, 23) })).toBe(
      Date.UTC(2026, 0, 1, 0, 0, 1),
    );
  });

  it("uses the local zone on request", () => {
    expect(parseTimestamp("2026-01-31 14:05:06", { now, zone: systemZone })).toBe(
      new Date(2026, 0, 31, 14, 5, 6).getTime(),
    );
  });
});

describe("TimestampReader", () => {
  it("reads lines in other formats among lines in the usual format", () => {
    const reader = new TimestampReader(utc);
    const read = (text: string) => reader.read(Buffer.from(text));
    expect(read("2026-01-31T14:05:06Z a")).toBe(base);
    expect(read("2026-01-31T14:05:07Z a")).toBe(base + 1000);
    expect(read("Jan 31 14:05:06 host x 2020-01-01T00:00:00Z")).toBe(base);
    expect(read("no time")).toBeUndefined();
    expect(read("2026-01-31T14:05:08Z a")).toBe(base + 2000);
  });
});

describe("the time of a JSON object", () => {
  const long = "x".repeat(300);
  it.each([
    [`{"msg":"${long}","time":"2026-01-31T14:05:06Z"}`, 0],
    [`{"msg":"${long}","time":"2026-01-31T14:05:06Z","pid":1}`, 0],
    [`{"msg":"2020-01-01T00:00:00Z","time":"2026-01-31T14:05:06Z","pid":1}`, 0],
    [`{"msg":"a \\"time\\":\\"2020-01-01T00:00:00Z\\",","time":"2026-01-31T14:05:06Z","pid":1}`, 0],
    [`{"ctx":{"time":"2020-01-01T00:00:00Z"},"msg":"${long}","time":"2026-01-31T14:05:06Z","pid":1}`, 0],
    [`{"a":["time","2020-01-01T00:00:00Z"],"timestamp":"2026-01-31T14:05:06Z","b":{"c":1}}`, 0],
    [`{"date":"2020-01-01T00:00:00Z","@timestamp":"2026-01-31T14:05:06.5Z","z":1}`, 500],
    [`{"outer":{"msg":"${long}","time":"2026-01-31T14:05:06Z"},"z":1}`, 0],
    [`{ "msg" : "x" , "ts" : ${base / 1000}.25 , "z" : 1 }`, 250],
    [`{"time":12,"ts":${base},"z":1}`, 0],
    ['{"Timestamp":"2026-01-31T15:05:06\\u002B01:00","Level":"Error"}', 0],
    ['{"t":{"$date":"2026-01-31T14:05:06.123+00:00"},"s":"I","c":"NETWORK"}', 123],
    [`{"t":{"$date":{"$numberLong":"${base + 7}"}},"s":"I"}`, 7],
    [`{"instant":{"epochSecond":${base / 1000},"nanoOfSecond":123000000},"level":"INFO"}`, 123],
    [`{"timestamp":{"seconds":${base / 1000},"nanos":5000000},"severity":"INFO"}`, 5],
    [`{"__REALTIME_TIMESTAMP":"${base}123","MESSAGE":"journald"}`, 0.123],
    [`{"timeUnixNano":"${base}000000","body":"OpenTelemetry"}`, 0],
    ['{"log":"2020-01-01T00:00:00Z old\\n","stream":"stdout","time":"2026-01-31T14:05:06.1Z"}', 100],
    [
      `{"log":"{\\"time\\":\\"2020-01-01T00:00:00Z\\",\\"msg\\":\\"${long}\\"}\\n","stream":"stdout","attrs":{"tag":"x"},"time":"2026-01-31T14:05:06Z"}`,
      0,
    ],
    [`web-1  | {"msg":"${long}","time":"2026-01-31T14:05:06Z","pid":1}`, 0],
    [`\0\0{"msg":"${long}","time":"2026-01-31T14:05:06Z","pid":1}\n`, 0],
    [`{"msg":"${"\\\\".repeat(500_000)}","time":"2026-01-31T14:05:06Z","pid":1}`, 0],
  ])("is found in any position: %.100s", (line, milliseconds) => {
    expect(parseTimestamp(line, utc)).toBeCloseTo(base + milliseconds, 2);
  });

  it.each(["{", '{"', '{"time":', '{"time":"', '{"a":"\\', '{"time":{', "{}}}}", `${"{".repeat(5000)}"time"`])(
    "is found in truncated and invalid JSON: %.20s",
    (line) => {
      expect(parseTimestamp(line, utc)).toBeUndefined();
    },
  );
});

describe("a time without a zone", () => {
  const inZone = (name: string) => ({ now, zone: namedZone(name) as Zone });
  const read = (text: string, name: string) =>
    new Date(parseTimestamp(text, inZone(name)) ?? Number.NaN).toISOString().slice(0, 19);

  it.each([
    ["2026-01-31 15:05:06 x", "Europe/Berlin", "2026-01-31T14:05:06"],
    ["2026-07-31 16:05:06 x", "Europe/Berlin", "2026-07-31T14:05:06"],
    ["Jan 31 09:05:06 host x", "America/New_York", "2026-01-31T14:05:06"],
    ['{"time":"2026-01-31 19:35:06"}', "Asia/Kolkata", "2026-01-31T14:05:06"],
    ["2026-01-31T14:05:06Z x", "Asia/Kolkata", "2026-01-31T14:05:06"],
    ["2026-01-31 22:05:06 CST China", "Asia/Shanghai", "2026-01-31T14:05:06"],
    ["2026-07-31 15:05:06 IST Ireland", "Europe/Dublin", "2026-07-31T14:05:06"],
    ["2026-01-31 16:05:06 IST Israel", "Asia/Jerusalem", "2026-01-31T14:05:06"],
    ["2026-03-29 01:59:59 x", "Europe/Berlin", "2026-03-29T00:59:59"],
    ["2026-03-29 02:30:00 a time that is left out", "Europe/Berlin", "2026-03-29T01:30:00"],
    ["2026-03-29 03:00:00 x", "Europe/Berlin", "2026-03-29T01:00:00"],
    ["2025-10-26 02:30:00 a time that is there twice", "Europe/Berlin", "2025-10-26T00:30:00"],
    ["2025-10-26 03:00:00 x", "Europe/Berlin", "2025-10-26T02:00:00"],
  ])("is in the given zone: %s in %s", (text, name, expected) => {
    expect(read(text, name)).toBe(expected);
  });

  it("that occurs twice is the later time if it follows the earlier time", () => {
    const reader = new TimestampReader(inZone("Europe/Berlin"));
    const times = ["02:59:58", "02:59:59", "02:00:00", "02:30:00", "03:00:00"].map((clock) =>
      new Date(reader.read(Buffer.from(`2025-10-26 ${clock} x`)) ?? Number.NaN).toISOString().slice(11, 19),
    );
    expect(times).toEqual(["00:59:58", "00:59:59", "01:00:00", "01:30:00", "02:00:00"]);
  });

  it("has the day first after a line with a day above 12 in that position", () => {
    const reader = new TimestampReader(utc);
    const read = (text: string) => reader.read(Buffer.from(text));
    expect(read("02/01/2026 00:00:00")).toBe(Date.UTC(2026, 1, 1));
    expect(read("13/01/2026 00:00:00")).toBe(Date.UTC(2026, 0, 13));
    expect(read("02/01/2026 00:00:00")).toBe(Date.UTC(2026, 0, 2));
  });
});
