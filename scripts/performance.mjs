// Writes docs/performance.md and its charts from the last run of the bench
// (bench/results/latest.json). `npm run bench` without a case's name calls it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const read = (name) => JSON.parse(readFileSync(`bench/results/${name}.json`, "utf8"));
const { date, machine, notes, cases } = read("latest");
// Cases that were measured separately, by name: node scripts/performance.mjs screen
for (const name of process.argv.slice(2)) Object.assign(cases, read(name).cases);
const CHARTS = "docs/performance";
const COLOURS = { ours: "#0a7d5a", base: "#888888", peer: "#c8a15a" };
const TEXT = { color: "#333333", fontFamily: "sans-serif", fontSize: 12 };
const draw = chartist();

rmSync(CHARTS, { recursive: true, force: true });
mkdirSync(CHARTS, { recursive: true });
for (const [name, each] of Object.entries(cases))
  if (isDrawn(each)) writeFileSync(`${CHARTS}/${name}.svg`, draw(chart(each)));
writeFileSync("docs/performance.md", page().split("\n").map(wrapped).join("\n"));

function apart() {
  const names = process.argv.slice(2);
  return names.length === 0 ? [] : [`Measured in runs of their own: ${names.join(", ")}.`];
}

/** Wraps prose at 100 columns; keeps tables, titles and pictures. */
function wrapped(line) {
  if (line.length <= 100 || /^[|#!<]/.test(line)) return line;
  return line.replace(/(.{1,100})(?: |$)/g, "$1\n").trimEnd();
}

function page() {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const verdicts = Object.entries(cases).flatMap(([name, { verdicts }]) =>
    verdicts.map((verdict) => ({ name, ...verdict })),
  );
  return [
    "# Performance",
    "`npm run bench` writes this page. It measures everything in one run, the contestants of a case alternately, so that disturbances affect all of them. " +
      "`npm run bench -- CASE` repeats one case. Compare ratios: times depend on the machine. " +
      "With fewer than 20 samples p95 is the slowest sample, with fewer than 100 p99 is.",
    `${date.slice(0, 10)}, ${machine.processors}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}; ${versions.join(", ")}.`,
    ...load(),
    ...apart(),
    "## Goals",
    table(
      ["case", "what", "goal", "measured", ""],
      verdicts.map(({ name, goal, value, unit, isMet }) => [
        `[${name}](#${name})`,
        goal.result,
        goal.text,
        quantity(value, unit),
        isMet ? "met" : "**missed**",
      ]),
    ),
    ...Object.entries(cases).flatMap(([name, each]) => section(name, each)),
    ...(notes.length > 0 ? ["## Notes", ...notes.map((note) => `- ${note}`)] : []),
    "",
  ].join("\n\n");
}

/** Returns a note about the load of the machine, if other processes were busy. */
function load() {
  const processors = Number.parseInt(machine.processors, 10);
  const [least, most] = [Math.min(...machine.load), Math.max(...machine.load)].map((each) => each.toFixed(1));
  if (!(most > 1.5 * processors)) return [];
  return [
    `**The machine did other work during the measurement**: load averages from ${least} to ${most} on ${processors} processors. Times are longer than on a quiet machine, the tails most. ` +
      "Ratios between contestants that wait for a processor change less than ratios between contestants that wait for another process. Repeat it on a quiet machine.",
  ];
}

function section(name, { title, axis, results, profiles }) {
  const heads = [...(axis ? [axis.label] : []), "", "median", "p95", "p99", "of the base", "of porthole", "samples"];
  const rows = results.map((result) => [
    ...(axis ? [result.x.toLocaleString("en")] : []),
    result.role === "ours" ? `**${fullName(result)}**` : fullName(result),
    ...[result.median, result.p95, result.p99].map((value) => quantity(value, result.unit)),
    quantity(result.ratio, "x"),
    quantity(result.median / ours(result, results), "x"),
    result.samples.toLocaleString("en"),
  ]);
  const why = Object.entries(profiles ?? {}).map(
    ([who, lines]) =>
      `Where the time of ${who} went (V8's profiler, one run):\n\n${lines.map((line) => `- ${line}`).join("\n")}`,
  );
  return [
    `## ${name}`,
    `${capital(title)}.`,
    ...(isDrawn({ axis, results }) ? [`![${title}](performance/${name}.svg)`] : []),
    table(heads, rows),
    ...why,
  ];
}

/** True if all results have the same unit, as a bar chart requires. A curve shows one unit. */
function isDrawn({ axis, results }) {
  return axis !== undefined || new Set(results.map(({ unit }) => unit)).size === 1;
}

function chart({ title, axis, results }) {
  return axis
    ? lines(
        title,
        axis,
        results.filter(({ unit }) => unit === axis.unit),
      )
    : bars(title, results);
}

/** Returns the caption: the values, the scale, and the meaning of the colours. */
function head(title, meaning) {
  const text = capital(title)
    .replace(/(.{1,88})(?: |$)/g, "$1\n")
    .trimEnd();
  return {
    height: 24 + 18 * text.split("\n").length,
    option: {
      text,
      left: 8,
      top: 4,
      itemGap: 4,
      textStyle: { ...TEXT, fontSize: 14 },
      subtext: meaning,
      subtextStyle: TEXT,
    },
  };
}

/** Draws medians on a logarithmic scale, in the order of the table. */
function bars(title, results) {
  const { height, option: heading } = head(title, barsMean(results));
  const shown = [...results].reverse();
  const least = Math.min(...shown.map(({ median }) => median));
  return {
    width: 760,
    height: height + 20 + 26 * shown.length,
    option: {
      title: heading,
      grid: {
        left: 16 + 7 * Math.max(...shown.map((result) => fullName(result).length)),
        right: 90,
        top: height + 12,
        bottom: 8,
      },
      xAxis: { type: "log", min: 1, axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: { type: "category", data: shown.map(fullName), axisLabel: TEXT, axisTick: { show: false } },
      series: [
        {
          type: "bar",
          barWidth: 16,
          data: shown.map((result) => ({
            // A logarithmic bar starts at 1. The shortest bar is drawn as 2, with its value next to
            // it.
            value: (2 * result.median) / least,
            itemStyle: { color: COLOURS[result.role] },
            label: { show: true, position: "right", formatter: quantity(result.median, result.unit), ...TEXT },
          })),
        },
      ],
    },
  };
}

function barsMean(results) {
  const roles = new Set(results.map(({ role }) => role));
  const names = { ours: "green: porthole", base: "grey: the base of the ratios", peer: "sand: other ways" };
  const colours = Object.keys(names).filter((role) => roles.has(role));
  return ["medians, bars on a logarithmic scale", ...colours.map((role) => names[role])].join("; ");
}

/**
 * Draws medians over the amount of work, both logarithmic: a straight line means that the cost
 * grows with the work.
 */
function lines(title, axis, results) {
  const names = [...new Set(results.map(fullName))];
  const role = (name) => results.find((result) => fullName(result) === name).role;
  const greys = ["#c8a15a", "#b0605a", "#6a7fb5"];
  let peers = 0;
  const { height, option: heading } = head(title, "medians, both scales logarithmic");
  return {
    width: 760,
    height: height + 360,
    option: {
      title: heading,
      // Text widths are estimated without a browser: leave room between them.
      legend: { top: height + 8, left: 8, itemGap: 30, textStyle: TEXT, data: names },
      grid: { left: 8, right: 40, top: height + 62, bottom: 30, containLabel: true },
      xAxis: {
        type: "log",
        name: axis.label,
        nameLocation: "middle",
        nameGap: 26,
        nameTextStyle: TEXT,
        axisLabel: TEXT,
      },
      yAxis: { type: "log", name: axis.unit, nameTextStyle: TEXT, axisLabel: TEXT },
      series: names.map((name) => ({
        type: "line",
        name,
        symbolSize: 6,
        lineStyle: { width: role(name) === "ours" ? 3 : 2 },
        color: role(name) === "peer" ? greys[peers++ % greys.length] : COLOURS[role(name)],
        data: results.filter((result) => fullName(result) === name).map(({ x, median }) => [x, median]),
      })),
    },
  };
}

/**
 * Returns echarts, which draws to a string without a browser. It is installed on first use: see
 * bench/charts/package.json.
 */
function chartist() {
  if (!existsSync("bench/charts/node_modules/echarts")) {
    const { status } = spawnSync(
      "npm",
      ["ci", "--prefix", "bench/charts", "--ignore-scripts", "--no-audit", "--no-fund"],
      {
        stdio: ["ignore", 2, 2],
      },
    );
    if (status !== 0) throw new Error("the library for charts could not be downloaded; npm's message is above");
  }
  const echarts = createRequire(new URL("../bench/charts/package.json", import.meta.url))("echarts");
  return ({ width, height, option }) => {
    const instance = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
    instance.setOption({ animation: false, backgroundColor: "#ffffff", ...option });
    const svg = instance.renderToSVGString();
    instance.dispose();
    return `${svg}\n`;
  };
}

function ours({ group, x }, results) {
  return results.find((each) => each.role === "ours" && each.group === group && each.x === x)?.median ?? Number.NaN;
}

function fullName({ group, name }) {
  return group === undefined ? name : `${group}: ${name}`;
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Formats a quantity with three significant digits and the unit. */
function quantity(value, unit) {
  if (value === null || !Number.isFinite(value)) return "-";
  const digits = value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
  return unit === "x" ? `${digits}x` : `${digits} ${unit}`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
